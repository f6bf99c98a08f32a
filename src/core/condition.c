/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/condition.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/parse.h"

enum shape { SHAPE_TEXT, SHAPE_PATH, SHAPE_FLAG, SHAPE_NUMBER, SHAPE_SIZE };

static const struct {
	const char *name;
	enum shape shape;
} kinds[CONDITION_KIND_MAX] = {
	[CONDITION_PATH_EXISTS] = { "PathExists", SHAPE_PATH },
	[CONDITION_PATH_EXISTS_GLOB] = { "PathExistsGlob", SHAPE_PATH },
	[CONDITION_PATH_IS_DIRECTORY] = { "PathIsDirectory", SHAPE_PATH },
	[CONDITION_PATH_IS_SYMBOLIC_LINK] = { "PathIsSymbolicLink", SHAPE_PATH },
	[CONDITION_PATH_IS_MOUNT_POINT] = { "PathIsMountPoint", SHAPE_PATH },
	[CONDITION_PATH_IS_READ_WRITE] = { "PathIsReadWrite", SHAPE_PATH },
	[CONDITION_DIRECTORY_NOT_EMPTY] = { "DirectoryNotEmpty", SHAPE_PATH },
	[CONDITION_FILE_NOT_EMPTY] = { "FileNotEmpty", SHAPE_PATH },
	[CONDITION_FILE_IS_EXECUTABLE] = { "FileIsExecutable", SHAPE_PATH },
	[CONDITION_NEEDS_UPDATE] = { "NeedsUpdate", SHAPE_PATH },
	[CONDITION_FIRST_BOOT] = { "FirstBoot", SHAPE_FLAG },
	[CONDITION_AC_POWER] = { "ACPower", SHAPE_FLAG },
	[CONDITION_ARCHITECTURE] = { "Architecture", SHAPE_TEXT },
	[CONDITION_VIRTUALIZATION] = { "Virtualization", SHAPE_TEXT },
	[CONDITION_HOST] = { "Host", SHAPE_TEXT },
	[CONDITION_KERNEL_COMMAND_LINE] = { "KernelCommandLine", SHAPE_TEXT },
	[CONDITION_KERNEL_VERSION] = { "KernelVersion", SHAPE_TEXT },
	[CONDITION_KERNEL_MODULE_LOADED] = { "KernelModuleLoaded", SHAPE_TEXT },
	[CONDITION_SECURITY] = { "Security", SHAPE_TEXT },
	[CONDITION_CAPABILITY] = { "Capability", SHAPE_TEXT },
	[CONDITION_ENVIRONMENT] = { "Environment", SHAPE_TEXT },
	[CONDITION_USER] = { "User", SHAPE_TEXT },
	[CONDITION_GROUP] = { "Group", SHAPE_TEXT },
	[CONDITION_MEMORY] = { "Memory", SHAPE_SIZE },
	[CONDITION_CPUS] = { "CPUs", SHAPE_NUMBER },
	[CONDITION_FIRMWARE] = { "Firmware", SHAPE_TEXT },
	[CONDITION_CREDENTIAL] = { "Credential", SHAPE_TEXT },
	[CONDITION_CPU_FEATURE] = { "CPUFeature", SHAPE_TEXT },
	[CONDITION_CGROUP_CONTROLLER] = { "ControlGroupController", SHAPE_TEXT },
	[CONDITION_OS_RELEASE] = { "OSRelease", SHAPE_TEXT },
};

const char *condition_kind_name(enum condition_kind k)
{
	return k < CONDITION_KIND_MAX ? kinds[k].name : NULL;
}

bool condition_takes_path(enum condition_kind k)
{
	return k < CONDITION_KIND_MAX && kinds[k].shape == SHAPE_PATH;
}

const char *condition_operand(const char *value)
{
	return value + strspn(value, "<>=! \t");
}

bool condition_understands(enum condition_kind k, const char *value)
{
	uint64_t number;
	bool flag;

	switch (kinds[k].shape) {
	case SHAPE_FLAG:
		return parse_bool(value, &flag) == 0;
	case SHAPE_NUMBER:
		return parse_u64(condition_operand(value), &number) == 0;
	case SHAPE_SIZE:
		return parse_size(condition_operand(value), &number) == 0;
	case SHAPE_TEXT:
	case SHAPE_PATH:
		break;
	}
	return *value;
}

int conditions_add(struct conditions **list, struct condition c)
{
	size_t n = *list ? (*list)->n : 0;
	struct conditions *grown = NULL;

	if (n < CONDITIONS_MAX)
		grown = realloc(*list, sizeof(*grown) + (n + 1) * sizeof(grown->v[0]));
	if (!grown) {
		free(c.value);
		return n < CONDITIONS_MAX ? -ENOMEM : -ERANGE;
	}
	grown->v[n] = c;
	grown->n = n + 1;
	*list = grown;
	return 0;
}

void conditions_reset(struct conditions **list, bool asserts)
{
	size_t kept = 0;

	for (size_t i = 0; *list && i < (*list)->n; i++) {
		struct condition *c = &(*list)->v[i];

		if (c->is_assert == asserts)
			free(c->value);
		else
			(*list)->v[kept++] = *c;
	}
	if (*list)
		(*list)->n = kept;
	if (kept > 0)
		return;
	free(*list);
	*list = NULL;
}

void conditions_free(struct conditions *list)
{
	for (size_t i = 0; list && i < list->n; i++)
		free(list->v[i].value);
	free(list);
}

static bool is_met(const struct condition *c, condition_test_fn test, void *arg)
{
	int r = test(c->kind, c->value, arg);

	return r >= 0 && (r > 0) != c->negate;
}

static ssize_t find_unmet(const struct conditions *list, bool asserts, condition_test_fn test, void *arg)
{
	ssize_t first_trigger = -1;
	bool triggered = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct condition *c = &list->v[i];

		if (c->is_assert != asserts || (c->trigger && triggered))
			continue;
		if (c->trigger && first_trigger < 0)
			first_trigger = (ssize_t)i;
		if (is_met(c, test, arg))
			triggered |= c->trigger;
		else if (!c->trigger)
			return (ssize_t)i;
	}
	return triggered ? -1 : first_trigger;
}

ssize_t conditions_find_unmet(const struct conditions *list, condition_test_fn test, void *arg)
{
	ssize_t unmet = list ? find_unmet(list, false, test, arg) : -1;

	return unmet >= 0 || !list ? unmet : find_unmet(list, true, test, arg);
}

char *condition_text(const struct condition *c)
{
	char *text;

	if (asprintf(&text, "%s%s=%s%s%s", c->is_assert ? "Assert" : "Condition",
		     condition_kind_name(c->kind), c->trigger ? "|" : "", c->negate ? "!" : "",
		     c->value) < 0)
		return NULL;
	return text;
}
