/*
 * answer.c - errors, in the form that Mautic's clients read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "http.h"

/*
 * Make the answer an error.  Its text is for the client.
 */
void
AnswerError(Answer *answer, int status, const char *message)
{
	json_t *text = json_string(message);
	json_t *document;

	if (text == NULL)
		text = json_string("error"); /* the message was not in UTF-8 */
	document = json_pack("{s:[{s:o,s:i,s:n}]}", "errors", "message", text, "code", status, "type");
	free(answer->body);
	answer->status = status;
	answer->body = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	answer->length = answer->body != NULL ? strlen(answer->body) : 0;
	answer->type = "application/json";
	json_decref(document);
}

static bool
in_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}

static bool
is_one_of_classes(const char *sqlstate, const char *const *list)
{
	for (; *list != NULL; list++)
		if (in_class(sqlstate, *list))
			return true;
	return false;
}

static bool
is_one_of(const char *sqlstate, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(sqlstate, *list) == 0)
			return true;
	return false;
}

/*
 * The status that an error of SQL stands for.  What a later attempt may not
 * meet is 503.  A statement of ours, the server and what it reaches are 500.
 * The rest is of what the client sent, or what a trigger that waits for the
 * commit says of it, in whatever state it likes: segments_internal.rest_error()
 * answers the same to those that don't wait.
 */
static int
status_of(const char *sqlstate)
{
	/* locked, in use, and read only as a standby is */
	static const char *const later[] = {"55P03", "55006", "25006", NULL};
	static const char *const missing[] = {"02000", "P0002", NULL};
	static const char *const ours[] = {"0A", "25", "26", "3F", "42", "58", "F0", "HV", "XX", NULL};

	if (in_class(sqlstate, "40") || in_class(sqlstate, "53") || in_class(sqlstate, "57") ||
		in_class(sqlstate, "08") || is_one_of(sqlstate, later))
		return 503;
	if (strcmp(sqlstate, "42501") == 0)
		return 403;
	if (strcmp(sqlstate, "23505") == 0)
		return 409;
	if (strcmp(sqlstate, "2BP01") == 0)
		return 422;
	if (is_one_of(sqlstate, missing))
		return 404;
	if (sqlstate[0] == 'P' && sqlstate[1] == 'T' && (sqlstate[2] == '4' || sqlstate[2] == '5') &&
		strspn(sqlstate + 2, "0123456789") == 3)
		return atoi(sqlstate + 2);
	return is_one_of_classes(sqlstate, ours) ? 500 : 400;
}

/*
 * Make the answer what an error of SQL comes to.  What went wrong in the
 * server is nothing for clients: it goes to the log.
 */
void
AnswerSqlError(Answer *answer, const char *sqlstate, const char *message)
{
	int status = status_of(sqlstate);

	snprintf(answer->note, sizeof(answer->note), "%s %s", sqlstate, message);
	if (status == 503)
		AnswerError(answer, status, "The database cannot do this at the moment.  Try again.");
	else if (status == 403)
		AnswerError(answer, status, "You do not have access to the requested area/action.");
	else if (status == 500)
		AnswerError(answer, status, "The server could not answer this request.");
	else
		AnswerError(answer, status, message);
}

void
AnswerFree(Answer *answer)
{
	free(answer->body);
	free(answer->location);
	memset(answer, 0, sizeof(*answer));
}
