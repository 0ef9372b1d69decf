/* Owns the table of the US e-Manifest service's fields. */
#include "manifest/import_us.h"

static const struct us_row rows[] = {
    {"manifestTrackingNumber", TEXT_LEAF, USE_NUMBER, 0},
    {"status", TEXT_LEAF, USE_STATUS, 0},
    {"createdDate", TEXT_LEAF, USE_ISSUED, 0},
    {"shippedDate", TEXT_LEAF, USE_SHIPPED, 0},
    {"receivedDate", TEXT_LEAF, USE_RECEIVED, 0},
    {"generator.paperSignatureInfo.signatureDate", TEXT_LEAF, USE_SHIPPED_ELSE, 0},
    {"designatedFacility.paperSignatureInfo.signatureDate", TEXT_LEAF, USE_RECEIVED_ELSE, 0},
    {"submissionType", TEXT_LEAF, USE_REMARK, 0},
    {"originType", TEXT_LEAF, USE_REMARK, 0},
    {"discrepancy", BOOL_LEAF, USE_REMARK, 0},
    {"rejection", BOOL_LEAF, USE_REMARK, 0},
    {"residue", BOOL_LEAF, USE_REMARK, 0},
    {"import", BOOL_LEAF, USE_REMARK, 0},
    {"containsPreviousRejectOrResidue", BOOL_LEAF, USE_REMARK, 0},
    {"residueNewManifestTrackingNumbers", ARRAY_NODE, USE_NOTHING, 0},
    {"residueNewManifestTrackingNumbers[]", TEXT_LEAF, USE_REMARK, 0},
    {"rejectionInfo", OBJECT_NODE, USE_NOTHING, 0},
    {"rejectionInfo.rejectionType", TEXT_LEAF, USE_REMARK, 0},
    {"rejectionInfo.rejectionComments", TEXT_LEAF, USE_REMARK, 0},
    {"rejectionInfo.transporterOnSite", BOOL_LEAF, USE_REMARK, 0},
    {"rejectionInfo.alternateDesignatedFacilityType", TEXT_LEAF, USE_REMARK, 0},
    {"rejectionInfo.newManifestTrackingNumbers[]", TEXT_LEAF, USE_REMARK, 0},
    {"rejectionInfo.alternateDesignatedFacility.epaSiteId", TEXT_LEAF, USE_PARTY_ID, ROLE_FACILITY},
    {"rejectionInfo.alternateDesignatedFacility.name", TEXT_LEAF, USE_PARTY_NAME, ROLE_FACILITY},
    {"additionalInfo", OBJECT_NODE, USE_NOTHING, 0},
    {"additionalInfo.handlingInstructions", TEXT_LEAF, USE_REMARK, 0},
    {"additionalInfo.originalManifestTrackingNumbers[]", TEXT_LEAF, USE_REMARK, 0},
    {"generator", OBJECT_NODE, USE_NOTHING, 0},
    {"generator.epaSiteId", TEXT_LEAF, USE_PARTY_ID, ROLE_GENERATOR},
    {"generator.name", TEXT_LEAF, USE_PARTY_NAME, ROLE_GENERATOR},
    {"transporters", ARRAY_NODE, USE_NOTHING, 0},
    {"transporters[]", OBJECT_NODE, USE_NOTHING, 0},
    {"transporters[].epaSiteId", TEXT_LEAF, USE_PARTY_ID, ROLE_TRANSPORTER},
    {"transporters[].name", TEXT_LEAF, USE_PARTY_NAME, ROLE_TRANSPORTER},
    {"transporters[].order", NUMBER_LEAF, USE_NOTHING, 0},
    {"designatedFacility", OBJECT_NODE, USE_NOTHING, 0},
    {"designatedFacility.epaSiteId", TEXT_LEAF, USE_PARTY_ID, ROLE_FACILITY},
    {"designatedFacility.name", TEXT_LEAF, USE_PARTY_NAME, ROLE_FACILITY},
    {"wastes", ARRAY_NODE, USE_NOTHING, 0},
    {"wastes[]", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].lineNumber", NUMBER_LEAF, USE_LINE_NUMBER, 0},
    {"wastes[].dotHazardous", BOOL_LEAF, USE_NOTHING, 0},
    {"wastes[].epaWaste", BOOL_LEAF, USE_NOTHING, 0},
    {"wastes[].pcb", BOOL_LEAF, USE_NOTHING, 0},
    {"wastes[].br", BOOL_LEAF, USE_NOTHING, 0},
    {"wastes[].brInfo", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].dotInformation", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].dotInformation.printedDotInformation", TEXT_LEAF, USE_LINE_NAME, 0},
    {"wastes[].wasteDescription", TEXT_LEAF, USE_LINE_NAME, 0},
    {"wastes[].hazardousWaste", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].hazardousWaste.federalWasteCodes[].code", TEXT_LEAF, USE_LINE_CODE, 0},
    {"wastes[].hazardousWaste.tsdfStateWasteCodes[].code", TEXT_LEAF, USE_LINE_CODE, 0},
    {"wastes[].hazardousWaste.generatorStateWasteCodes[].code", TEXT_LEAF, USE_LINE_CODE, 0},
    {"wastes[].quantity", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].quantity.quantity", NUMBER_LEAF, USE_QUANTITY, 0},
    {"wastes[].quantity.unitOfMeasurement.code", TEXT_LEAF, USE_UNIT, 0},
    {"wastes[].quantity.unitOfMeasurement.description", TEXT_LEAF, USE_UNIT_WORDS, 0},
    {"wastes[].quantity.containerNumber", NUMBER_LEAF, USE_CONTAINERS, 0},
    {"wastes[].quantity.containerType.code", TEXT_LEAF, USE_CONTAINER_TYPE, 0},
    {"wastes[].managementMethod", OBJECT_NODE, USE_NOTHING, 0},
    {"wastes[].managementMethod.code", TEXT_LEAF, USE_METHOD, 0},
    {"wastes[].discrepancyResidueInfo.discrepancyComments", TEXT_LEAF, USE_LINE_REMARK, 0},
    {"wastes[].discrepancyResidueInfo.wasteQuantity", BOOL_LEAF, USE_LINE_REMARK, 0},
    {"wastes[].discrepancyResidueInfo.wasteType", BOOL_LEAF, USE_LINE_REMARK, 0},
    {"wastes[].discrepancyResidueInfo.residue", BOOL_LEAF, USE_LINE_REMARK, 0},
    {"*.printedName", TEXT_LEAF, USE_PERSONAL, 0},
    {"*.firstName", TEXT_LEAF, USE_PERSONAL, 0},
    {"*.lastName", TEXT_LEAF, USE_PERSONAL, 0},
    {"*.middleInitial", TEXT_LEAF, USE_PERSONAL, 0},
    {"*.userId", TEXT_LEAF, USE_PERSONAL, 0},
    {"*.email", TEXT_LEAF, USE_PERSONAL, 0},
    {"*hone.number", TEXT_LEAF, USE_PERSONAL, 0},
    {"*hone.extension", TEXT_LEAF, USE_PERSONAL, 0},
};

const struct us_row *us_row_of(const char *pattern)
{
	size_t n = strlen(pattern);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *path = rows[i].path;
		if (path[0] != '*' && strcmp(path, pattern) == 0)
			return &rows[i];
		size_t end = strlen(path) - 1;
		if (path[0] == '*' && n >= end && strcmp(pattern + n - end, path + 1) == 0)
			return &rows[i];
	}
	return NULL;
}
