-- The owner migrates, the writer serves, the reader answers. The writer cannot change or remove what was
-- accepted; nobody but the owner sees what persons' ids stand for.
GRANT USAGE ON SCHEMA manifest TO manifest_writer, manifest_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA manifest TO manifest_writer, manifest_reader;
REVOKE ALL ON person_secret FROM manifest_writer, manifest_reader;

GRANT INSERT ON entry, running_number, registry_entry, tile, checkpoint, cosigned_checkpoint, evidence,
	manifest, manifest_term, flag, flag_party, party, device_key, permit, vehicle, person,
	number_block, voided_number, setting TO manifest_writer;
GRANT UPDATE ON log_head, manifest, flag, party, device_key, permit, vehicle, setting TO manifest_writer;
GRANT EXECUTE ON FUNCTION entry_partitions(bigint) TO manifest_writer;
