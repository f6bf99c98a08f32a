dnl SPDX-License-Identifier: LGPL-2.1-or-later

# CGKILL_TRY_FLAG(FLAG, VARIABLE, [EXTRA-FLAGS])
# ----------------------------------------------
# Appends FLAG to VARIABLE, which is substituted, if compiling and linking takes it. -Werror makes
# clang refuse what it does not know, and shows a _FORTIFY_SOURCE that would warn without -O.
AC_DEFUN([CGKILL_TRY_FLAG], [
  AS_VAR_PUSHDEF([cache], [cgkill_cv_flag_$1])dnl
  AC_CACHE_CHECK([whether $CC takes $1], [cache], [
    cgkill_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS $3 -Werror $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$cgkill_saved_CFLAGS
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$2], [" $1"])])
  AS_VAR_POPDEF([cache])dnl
])

# CGKILL_TRY_FLAGS(FLAGS, VARIABLE, [EXTRA-FLAGS])
# ------------------------------------------------
# The same for each word of the literal list FLAGS.
AC_DEFUN([CGKILL_TRY_FLAGS], [
  AC_SUBST([$2])
  m4_foreach_w([flag], [$1], [CGKILL_TRY_FLAG(m4_defn([flag]), [$2], [$3])])
])

# CGKILL_NEED_FLAG(FLAG, VARIABLE, HINT)
# --------------------------------------
# The same for one FLAG that was asked for: without it configure ends, with HINT.
AC_DEFUN([CGKILL_NEED_FLAG], [
  CGKILL_TRY_FLAG([$1], [$2])
  AS_VAR_PUSHDEF([cache], [cgkill_cv_flag_$1])dnl
  AS_VAR_IF([cache], [no], [AC_MSG_ERROR([$CC cannot build with $1: $3])])
  AS_VAR_POPDEF([cache])dnl
])

# CGKILL_ENABLE(FEATURE, HELP)
# ----------------------------
# --enable-FEATURE, off by default; the answer is in $enable_FEATURE, yes or no.
AC_DEFUN([CGKILL_ENABLE], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])
])

# CGKILL_WITH_UNITDIR(VARIABLE, HELP)
# -----------------------------------
# --with-VARIABLE=DIR, or without a DIR where systemd says. Empty by default; the conditional WITH_VARIABLE.
AC_DEFUN([CGKILL_WITH_UNITDIR], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1@<:@=DIR@:>@], [$2])], [$1=$with_$1], [$1=no])
  AS_IF([test "$$1" = yes], [
    AS_UNSET([$1])
    PKG_CHECK_VAR([$1], [systemd], [$1], [],
      [AC_MSG_ERROR([systemd does not say where: apt-get install systemd, or --with-$1=DIR])])])
  AC_SUBST([$1])
  AM_CONDITIONAL([WITH_]m4_toupper([$1]), [test "$$1" != no])
])
