/*
 * form.c - a[b][0]=c to {"a": {"b": ["c"]}}, as PHP reads query strings and
 * forms.
 *
 * Every value is a string.  What has the keys 0 to n - 1 becomes a list.
 * Where PHP would let one value silently win over another (a=1&a=2,
 * a=1&a[b]=2) the form is refused: guessing is for nobody's good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define MAX_KEYS 32      /* a[1][2]...: depth of one name */
#define MAX_NODES 200000 /* values and lists of one form */

/* A form while it is read. */
typedef struct Form
{
	json_t *root; /* objects only; lists are made in the end */
	int nodes;
	char *problem; /* PROBLEM_SIZE bytes */
} Form;

static bool
fail(Form *form, const char *sentence)
{
	snprintf(form->problem, PROBLEM_SIZE, "%s", sentence);
	return false;
}

/*
 * Cut "a[b][]" into its keys, in place.  The number of keys, or 0 when the
 * name is malformed.
 */
static int
split_name(char *name, char **keys)
{
	int n = 0;
	char *at = strchr(name, '[');

	if (*name == '\0' || at == name)
		return 0;
	keys[n++] = name;
	while (at != NULL && *at == '[')
	{
		char *end = strchr(at, ']');

		if (end == NULL || n == MAX_KEYS)
			return 0;
		*at = *end = '\0';
		keys[n++] = at + 1;
		at = end + 1;
	}
	return at == NULL || *at == '\0' ? n : 0;
}

/*
 * The key that [] stands for: the next number.  False where numbers are given
 * as well, so that it would not be the next.
 */
static bool
next_key(const json_t *node, char *key, size_t size)
{
	snprintf(key, size, "%zu", json_object_size(node));
	return json_object_get(node, key) == NULL;
}

/*
 * The object below node by a key, made if it isn't there; NULL when a value
 * is.
 */
static json_t *
descend(Form *form, json_t *node, const char *key)
{
	json_t *child = json_object_get(node, key);

	if (child != NULL)
	{
		if (json_is_object(child))
			return child;
		fail(form, "A name of the form is both a value and a list.");
		return NULL;
	}
	child = json_object();
	form->nodes++;
	if (json_object_set_new(node, key, child) != 0)
	{
		fail(form, "The form is not encoded in UTF-8.");
		return NULL;
	}
	return child;
}

/*
 * Put a value where its keys say.
 */
static bool
put_value(Form *form, char **keys, int n, json_t *value)
{
	json_t *node = form->root;
	char number[32];

	for (int i = 0; i < n; i++)
	{
		const char *key = keys[i];

		if (i > 0 && *key == '\0')
		{
			if (!next_key(node, number, sizeof(number)))
				return fail(form, "A name of the form has both [] and numbers.");
			key = number;
		}
		if (i < n - 1)
		{
			node = descend(form, node, key);
			if (node == NULL)
				return false;
		}
		else if (json_object_get(node, key) != NULL)
			return fail(form, "A name of the form occurs twice.");
		else if (json_object_set(node, key, value) != 0)
			return fail(form, "The form is not encoded in UTF-8.");
	}
	return true;
}

/*
 * One name=value.  Decoded is scratch, as long as the pair and two zeros.
 */
static bool
read_pair(Form *form, const char *pair, size_t length, char *decoded)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals != NULL ? (size_t) (equals - pair) : length;
	size_t rest = equals != NULL ? length - name_length - 1 : 0;
	char *value = decoded + name_length + 1;
	char *keys[MAX_KEYS];
	size_t n;
	int depth;
	bool done;
	json_t *string;

	if (!PercentDecode(pair, name_length, true, decoded, &n) ||
		!PercentDecode(pair + length - rest, rest, true, value, &n))
		return fail(form, "The form has a zero byte.");
	string = json_stringn(value, n);
	if (string == NULL)
		return fail(form, "The form is not encoded in UTF-8.");
	depth = split_name(decoded, keys);
	if (depth == 0)
		done = fail(form, "A name of the form is empty, malformed or too deep.");
	else if (++form->nodes > MAX_NODES)
		done = fail(form, "The form has too many values.");
	else
		done = put_value(form, keys, depth, string);
	json_decref(string);
	return done;
}

static bool
read_pairs(Form *form, const char *text, size_t length)
{
	char *decoded = malloc(length + 2);
	const char *end = text + length;
	bool done = decoded != NULL;

	while (done && text < end)
	{
		const char *next = memchr(text, '&', (size_t) (end - text));
		const char *stop = next != NULL ? next : end;

		if (stop > text)
			done = read_pair(form, text, (size_t) (stop - text), decoded);
		text = stop + 1;
	}
	free(decoded);
	return done;
}

/*
 * The place in a list of n that a key stands for, or -1.
 */
static long
list_place(const char *key, size_t n)
{
	char *end;
	long place;

	if (*key < '0' || *key > '9' || (*key == '0' && key[1] != '\0') || strlen(key) > 9)
		return -1;
	place = strtol(key, &end, 10);
	return *end == '\0' && (size_t) place < n ? place : -1;
}

/*
 * The object as a list, when its keys are 0 to n - 1 in any order; else NULL.
 */
static json_t *
as_list(json_t *object)
{
	size_t n = json_object_size(object);
	json_t **places;
	json_t *list;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (list_place(key, n) < 0)
			return NULL;
	}
	places = n > 0 ? calloc(n, sizeof(json_t *)) : NULL;
	list = places != NULL ? json_array() : NULL;
	if (list == NULL)
	{
		free(places);
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		places[list_place(key, n)] = value;
	}
	for (size_t i = 0; i < n; i++)
		json_array_append(list, places[i]);
	free(places);
	return list;
}

/*
 * Make lists of what are lists below the node.
 */
static void
make_lists(json_t *node)
{
	const char *key;
	json_t *child;

	json_object_foreach(node, key, child)
	{
		json_t *list;

		if (!json_is_object(child))
			continue;
		make_lists(child);
		list = as_list(child);
		if (list != NULL)
			json_object_set_new(node, key, list);
	}
}

/*
 * Decode a form, or a query string.  The whole may be a list only where
 * root_list says so: a query stays an object.
 */
json_t *
FormDecode(const char *text, size_t length, bool root_list, char *problem)
{
	Form form = {.root = json_object(), .problem = problem};
	json_t *list;

	*problem = '\0';
	if (!read_pairs(&form, text, length))
	{
		if (*problem == '\0')
			fail(&form, "The server is out of memory.");
		json_decref(form.root);
		return NULL;
	}
	make_lists(form.root);
	list = root_list ? as_list(form.root) : NULL;
	if (list == NULL)
		return form.root;
	json_decref(form.root);
	return list;
}
