/*
 * body.c - a request's body, by its Content-Type, to JSON that PostgreSQL
 * reads.
 *
 * JSON is only checked and goes on as it came: PostgreSQL's numbers are exact,
 * jansson's are not.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decode.h"

#define MAX_DEPTH 100
#define MAX_NODES 1000000
#define LARGE_BODY (256 * 1024)

/*
 * A tree takes up to sixty times the text's length.  Large ones are built one
 * at a time, so memory is bounded by one of them.
 */
static pthread_mutex_t large_body = PTHREAD_MUTEX_INITIALIZER;

/*
 * Look at the shape before anything is built: how deep it is, and how many
 * values it has.
 */
static bool
check_shape(const char *text, size_t length, char *problem)
{
	int depth = 0;
	int nodes = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == ']' || c == '}')
			depth--;
		else if (c == '[' || c == '{' || c == ',')
		{
			depth += c != ',';
			if (depth > MAX_DEPTH || ++nodes > MAX_NODES)
			{
				snprintf(problem, PROBLEM_SIZE,
						 depth > MAX_DEPTH ? "The JSON is nested too deep."
										   : "The JSON has too many values.");
				return false;
			}
		}
	}
	return true;
}

static char *
check_json(const char *text, size_t length, char *problem)
{
	json_error_t error;
	json_t *document;
	char *copy;

	if (!check_shape(text, length, problem))
		return NULL;
	document = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
	if (document == NULL)
	{
		snprintf(problem, PROBLEM_SIZE, "The body is not valid JSON: %.160s, line %d.", error.text,
				 error.line);
		return NULL;
	}
	json_decref(document);
	copy = malloc(length + 1);
	if (copy != NULL)
	{
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

static char *
form_to_json(const char *text, size_t length, char *problem)
{
	json_t *form;
	char *json;

	if (*text == '{' || *text == '[')
	{
		snprintf(problem, PROBLEM_SIZE,
				 "The body looks like JSON; send it with Content-Type: application/json.");
		return NULL;
	}
	form = FormDecode(text, length, true, problem);
	json = form != NULL ? json_dumps(form, JSON_COMPACT) : NULL;
	json_decref(form);
	return json;
}

/*
 * Is a media type, without its parameters, the one?
 */
static bool
is_type(const char *type, size_t length, const char *wanted)
{
	return length == strlen(wanted) && strncasecmp(type, wanted, length) == 0;
}

static bool
is_json_type(const char *type, size_t length)
{
	return is_type(type, length, "application/json") || is_type(type, length, "text/json") ||
		   (length > 17 && strncasecmp(type, "application/", 12) == 0 &&
			strncasecmp(type + length - 5, "+json", 5) == 0);
}

/*
 * Is the charset, if one is named, UTF-8 or within it?
 */
static bool
is_utf8(const char *parameters)
{
	const char *charset = strcasestr(parameters, "charset=");

	if (charset == NULL)
		return true;
	charset += 8;
	charset += *charset == '"';
	return strncasecmp(charset, "utf-8", 5) == 0 || strncasecmp(charset, "utf8", 4) == 0 ||
		   strncasecmp(charset, "us-ascii", 8) == 0;
}

/*
 * The body as JSON, malloc'ed; NULL with a status and a sentence when it
 * cannot be taken.  A body without a type is taken for JSON.
 */
char *
BodyToJson(const char *type, const char *body, size_t length, int *status, char *problem)
{
	size_t type_length;
	bool form;
	char *json;

	type = type != NULL ? type : "application/json";
	type_length = strcspn(type, "; \t");
	form = is_type(type, type_length, "application/x-www-form-urlencoded");
	if ((!form && !is_json_type(type, type_length)) || !is_utf8(type + type_length))
	{
		*status = 415;
		snprintf(problem, PROBLEM_SIZE,
				 "Send application/json or application/x-www-form-urlencoded, in UTF-8.");
		return NULL;
	}
	*status = 400;
	*problem = '\0';
	if (length >= LARGE_BODY)
		pthread_mutex_lock(&large_body);
	json = form ? form_to_json(body, length, problem) : check_json(body, length, problem);
	if (length >= LARGE_BODY)
		pthread_mutex_unlock(&large_body);
	if (json == NULL && *problem == '\0')
	{
		*status = 503;
		snprintf(problem, PROBLEM_SIZE, "The server is out of memory.");
	}
	return json;
}
