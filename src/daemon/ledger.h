/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a later cgkilld has to know of a service, written down as it changes: makes records (core/record.h) of it and has
 * them stored (daemon/store.h).
 */
#include "daemon/supervisor.h"

/*
 * After a step of the machine and before its actions are performed: numbers the spawns among them, and writes the new state
 * down. A failure is logged: the service goes on, and a crash could lose its state.
 */
void ledger_write_ahead(struct supervised *sv, const struct actions *actions);
/* The state is what it was, but something else that is noted has changed. */
void ledger_write(struct supervised *sv);
/* The signals of the present stage have all been sent. */
void ledger_signals_sent(struct supervised *sv);
/* Tries again where the last record could not be stored. False: it still cannot, and only we know the state. */
bool ledger_catch_up(struct supervised *sv) must_check;
/* Nothing is to be remembered of it any more. */
void ledger_forget(struct supervised *sv);
