/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Debian's libjansson.a asks of glibc, because it was compiled with _FORTIFY_SOURCE, and musl has not; nothing else of it
 * is glibc's alone. The sizes that are checked there are those of jansson's own buffers. For contrib/static-client.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The names are the compiler's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __snprintf_chk(char *buf, size_t n, int flag, size_t size, const char *format, ...);
int __vsnprintf_chk(char *buf, size_t n, int flag, size_t size, const char *format, va_list args);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t size);

static size_t checked(size_t n, size_t size)
{
	if (n > size)
		__builtin_trap();
	return n;
}

int __snprintf_chk(char *buf, size_t n, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = __vsnprintf_chk(buf, n, flag, size, format, args);
	va_end(args);
	return r;
}

int __vsnprintf_chk(char *buf, size_t n, int flag, size_t size, const char *format, va_list args)
{
	(void)flag;
	return vsnprintf(buf, checked(n, size), format, args);
}

char *__strncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	return strncpy(to, from, checked(n, size));
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
