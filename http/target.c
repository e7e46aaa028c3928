/*
 * target.c - the path and the query of a request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

/*
 * The path, decoded, malloc'ed; NULL when no text of PostgreSQL can hold it.
 */
char *
TargetPath(const char *uri, char *problem)
{
	size_t length = strcspn(uri, "?");
	char *path = malloc(length + 1);
	json_t *text = NULL;
	size_t n;

	if (path != NULL && PercentDecode(uri, length, false, path, &n))
		text = json_stringn(path, n);
	if (text == NULL)
	{
		free(path);
		snprintf(problem, PROBLEM_SIZE, "The path is not encoded in UTF-8.");
		return NULL;
	}
	json_decref(text);
	return path;
}

/*
 * The query string as a JSON object, malloc'ed.  The contact table that we
 * serve, if one is named, is what segments.rest_json sees, whatever a client says.
 */
char *
TargetQuery(const char *uri, const char *contact_table, char *problem)
{
	const char *query = strchr(uri, '?');
	json_t *object;
	char *json;

	query = query != NULL ? query + 1 : "";
	object = FormDecode(query, strlen(query), false, problem);
	if (object == NULL)
		return NULL;
	if (contact_table != NULL)
		json_object_set_new(object, "contact_table", json_string(contact_table));
	json = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (json == NULL)
		snprintf(problem, PROBLEM_SIZE, "The query string cannot be represented.");
	return json;
}

/*
 * The id of what an answer such as {"list": {"id": 7}} holds, as text.
 */
static bool
created_id(const Answer *answer, char *id, size_t size)
{
	json_t *document = json_loadb(answer->body, answer->length, 0, NULL);
	json_t *item = json_object_iter_value(json_object_iter(document));
	json_t *value = json_object_get(item, "id");
	bool found = json_is_integer(value);

	if (found)
		snprintf(id, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	json_decref(document);
	return found;
}

/*
 * Where the thing is that has just been created, malloc'ed, or NULL: for
 * …/things/new and …/things/ID/edit it is …/things/ID.
 */
char *
TargetLocation(const char *path, const Answer *answer)
{
	const char *end = strrchr(path, '/');
	char id[32];
	char *location = NULL;

	if (answer->status != 201 || answer->body == NULL || end == NULL)
		return NULL;
	if (strcmp(end, "/edit") == 0)
		while (end > path && *--end != '/')
			;
	else if (strcmp(end, "/new") != 0)
		return NULL;
	/* The path has been decoded, and a header is no place for what it may hold. */
	if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-") !=
			strlen(path) ||
		!created_id(answer, id, sizeof(id)) ||
		asprintf(&location, "%.*s/%s", (int) (end - path), path, id) < 0)
		return NULL;
	return location;
}
