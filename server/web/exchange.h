/* A request that is being answered, and the open addresses. Internal to the web. */
#ifndef WEB_EXCHANGE_H
#define WEB_EXCHANGE_H

struct exchange;

void answer_healthz(struct exchange *x);
void answer_readyz(struct exchange *x);
void answer_metrics(struct exchange *x);
void answer_checkpoint(struct exchange *x);

#endif
