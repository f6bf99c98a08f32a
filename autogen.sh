#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes configure and Makefile.in; needs autoconf, automake, libtool and pkg-config.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force
