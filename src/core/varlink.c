/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/varlink.h"

#include <errno.h>

/* The members that the protocol defines. A flag is JSON_TRUE here. */
struct member {
	const char *name;
	json_type type;
};

static const struct member call_members[] = {
	{ "method", JSON_STRING },				/* required */
	{ "parameters", JSON_OBJECT }, { "oneway", JSON_TRUE }, /* at most one of these three */
	{ "more", JSON_TRUE },	       { "upgrade", JSON_TRUE }, { NULL, JSON_NULL },
};

static const struct member reply_members[] = {
	{ "error", JSON_STRING },
	{ "parameters", JSON_OBJECT },
	{ "continues", JSON_TRUE },
	{ NULL, JSON_NULL },
};

void varlink_call_deinit(struct varlink_call *c)
{
	free(c->method);
	json_decref(c->parameters);
	*c = (struct varlink_call){ 0 };
}

void varlink_reply_deinit(struct varlink_reply *r)
{
	free(r->error);
	json_decref(r->parameters);
	*r = (struct varlink_reply){ 0 };
}

/* All members are nullable, and null is the same as absent. */
static bool is_of_type(const json_t *value, json_type type)
{
	return json_typeof(value) == type || json_is_null(value) ||
	       (type == JSON_TRUE && json_is_false(value));
}

static bool has_form(json_t *message, const struct member *members)
{
	const char *key;
	json_t *value;

	json_object_foreach(message, key, value) {
		const struct member *m = members;

		while (m->name && !streq(m->name, key))
			m++;
		/* Vendors' members have a dot in their name and are to be ignored. */
		if (m->name ? !is_of_type(value, m->type) : !strchr(key, '.'))
			return false;
	}
	return true;
}

/* jansson sets a code for what is wrong with the text, and mostly none when memory runs out. */
static int parse_errno(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_unknown || code == json_error_out_of_memory ? ENOMEM : EBADMSG;
}

/* Takes one message off in: an object that has no other members than these. */
static int take(struct buf *in, size_t max, const struct member *members, json_t **out)
{
	cleanup_json json_t *message = NULL;
	const char *end = in->len > 0 ? memchr(in->data, '\0', in->len) : NULL;
	size_t len = end ? (size_t)(end - in->data) : in->len;
	json_error_t error;

	if (len > max)
		return -EMSGSIZE;
	if (!end)
		return 0;
	message = json_loadb(in->data, len, JSON_REJECT_DUPLICATES, &error);
	if (!message)
		return -parse_errno(&error);
	if (!json_is_object(message) || !has_form(message, members))
		return -EBADMSG;
	buf_consume(in, len + 1);
	*out = TAKE_PTR(message);
	return 1;
}

/* "parameters" may be absent; who uses a message need not care. */
static json_t *get_parameters(json_t *message)
{
	json_t *parameters = json_object_get(message, "parameters");

	return json_is_object(parameters) ? json_incref(parameters) : json_object();
}

static bool get_flag(json_t *message, const char *name)
{
	return json_is_true(json_object_get(message, name));
}

int varlink_take_call(struct buf *in, size_t max, struct varlink_call *out)
{
	cleanup_json json_t *message = NULL;
	struct varlink_call c;
	const char *method;
	int r = take(in, max, call_members, &message);

	if (r <= 0)
		return r;
	method = json_string_value(json_object_get(message, "method"));
	c.oneway = get_flag(message, "oneway");
	c.more = get_flag(message, "more");
	c.upgrade = get_flag(message, "upgrade");
	if (!method || c.oneway + c.more + c.upgrade > 1)
		return -EBADMSG;
	c.method = strdup(method);
	c.parameters = get_parameters(message);
	if (!c.method || !c.parameters) {
		varlink_call_deinit(&c);
		return -ENOMEM;
	}
	*out = c;
	return 1;
}

int varlink_take_reply(struct buf *in, size_t max, struct varlink_reply *out)
{
	cleanup_json json_t *message = NULL;
	struct varlink_reply reply;
	const char *error;
	int r = take(in, max, reply_members, &message);

	if (r <= 0)
		return r;
	error = json_string_value(json_object_get(message, "error"));
	reply.continues = get_flag(message, "continues");
	if (error && reply.continues)
		return -EBADMSG;
	reply.error = error ? strdup(error) : NULL;
	reply.parameters = get_parameters(message);
	if ((error && !reply.error) || !reply.parameters) {
		varlink_reply_deinit(&reply);
		return -ENOMEM;
	}
	*out = reply;
	return 1;
}

static int append(const char *text, size_t len, void *out)
{
	buf_append(out, text, len);
	return buf_error(out);
}

/* Steals message; NULL is a failed allocation. */
static int put(struct buf *out, json_t *message)
{
	const size_t len = out->len;
	int r = buf_error(out);

	if (r < 0 || !message) {
		json_decref(message);
		return -ENOMEM;
	}
	if (json_dump_callback(message, append, out, JSON_COMPACT) == 0)
		buf_putc(out, '\0');
	else
		out->failed = true;
	json_decref(message);
	if (!out->failed)
		return 0;
	out->failed = false;
	out->len = len;
	if (out->data)
		out->data[len] = '\0';
	return -ENOMEM;
}

int varlink_put_call(struct buf *out, const char *method, json_t *parameters, bool more)
{
	return put(out, json_pack("{s:s, s:O*, s:o*}", "method", method, "parameters", parameters,
				  "more", more ? json_true() : NULL));
}

int varlink_put_reply(struct buf *out, const char *error, json_t *parameters, bool continues)
{
	return put(out, json_pack("{s:s*, s:O*, s:o*}", "error", error, "parameters", parameters,
				  "continues", continues ? json_true() : NULL));
}
