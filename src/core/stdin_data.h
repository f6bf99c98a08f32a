/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * StandardInputText= and StandardInputData=: bytes that a service finds in its standard input.
 */
struct buf;

/* Takes NULL. */
void stdin_data_free(struct buf *data);
