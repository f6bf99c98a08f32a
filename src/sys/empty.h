/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The contents of a directory, removed.
 */

/*
 * Removes all that can be removed below fd, a directory in which nobody else may change names; what is below it may change
 * under our hands. No link is followed, and what is mounted there stays, with the directories above it. However deep it is,
 * it takes three descriptors and no stack: what is inside a directory is moved up to fd.
 */
void empty_directory(int fd);
