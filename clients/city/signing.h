/* How a device signs a step: its next running number, the last checkpoint it verified, and what is wrong. */
#ifndef CITY_SIGNING_H
#define CITY_SIGNING_H

#include "city/model.h"

/* Makes the envelope. The predecessor, and what the step is about, must have been signed. False: no memory.
 */
bool step_sign(struct city *c, struct step *s) MUST_CHECK;

#endif
