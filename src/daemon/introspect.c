/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/introspect.h"

/* As UAPI.20 has it. */
static const char idl[] =
	"# Describes a service and the interfaces that it implements.\n"
	"interface " INTROSPECT_INTERFACE "\n"
	"\n"
	"# Information about the service, and the names of its interfaces.\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# The description of an interface of this service.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n"
	"error ExpectedUpgrade ()\n";

/* The name of a parameter other than known, NULL when there is none. */
static const char *unknown_parameter(json_t *parameters, const char *known)
{
	const char *key;
	json_t *value unused;

	json_object_foreach(parameters, key, value) {
		if (!streq_null(key, known))
			return key;
	}
	return NULL;
}

static void get_info(struct call *c, json_t *parameters, void *arg)
{
	const struct server_config *cfg = arg;
	const char *unknown = unknown_parameter(parameters, NULL);

	if (unknown) {
		call_invalid(c, unknown);
		return;
	}
	call_reply(c,
		   json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", cfg->vendor, "product",
			     cfg->product, "version", cfg->version, "url", cfg->url, "interfaces",
			     INTROSPECT_INTERFACE, cfg->interface),
		   false);
}

static void get_interface_description(struct call *c, json_t *parameters, void *arg)
{
	const struct server_config *cfg = arg;
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	const char *unknown = unknown_parameter(parameters, "interface");
	const char *text = NULL;

	if (unknown || !name) {
		call_invalid(c, unknown ? unknown : "interface");
		return;
	}
	if (streq(name, cfg->interface))
		text = cfg->description;
	else if (streq(name, INTROSPECT_INTERFACE))
		text = idl;
	if (text)
		call_reply(c, json_pack("{s:s}", "description", text), false);
	else
		call_error(c, INTROSPECT_INTERFACE ".InterfaceNotFound",
			   json_pack("{s:s}", "interface", name));
}

const struct method introspect_methods[] = {
	{ INTROSPECT_INTERFACE ".GetInfo", ACCESS_LOOK, false, get_info },
	{ INTROSPECT_INTERFACE ".GetInterfaceDescription", ACCESS_LOOK, false, get_interface_description },
	{ NULL, ACCESS_INVALID, false, NULL },
};
