/*
 * filter_rows.c - row groups of a filter document: JSON to tree.
 *
 * An object with the key "rows" is a group of filters over one row of a
 * relation, with what is made of the rows that satisfy them.  What the names
 * mean is checked when the filter is bound.
 */
#include "postgres.h"

#include "filter/filter_rows.h"

#include <jansson.h>

#include "filter/filter.h"
#include "filter/filter_aggregate.h"
#include "filter/filter_member.h"
#include "filter/filter_place.h"

static const char *const rows_keys[] = {"glue",     "rows",       "filters", "aggregate", "of",
										"operator", "properties", "negate",  "within",    NULL};
static const char *const within_keys[] = {"date", "of", "from", "to", NULL};

static bool
build_aggregate(FilterInput *input, const FilterPlace *parent, json_t *json, FilterRows *rows)
{
	json_t *word = json_object_get(json, "aggregate");
	FilterPlace place = FilterMember(parent, "aggregate");

	rows->aggregate = FILTER_AGGREGATE_EXISTS;
	if (word == NULL)
		return true;
	if (!FilterCheckWord(input, &place, word))
		return false;
	rows->aggregate = FilterAggregateLookup(json_string_value(word));
	if (rows->aggregate != 0)
		return true;
	return FilterRefuseValue(
		input, &place,
		psprintf("unrecognized aggregate \"%s\"", FilterShownWord(json_string_value(word))),
		"nothing of the kind is made of rows.",
		"Aggregates are exists, count, sum, min, max, avg, distinct.");
}

/* The field that is aggregated: needed by some aggregates, taken by no others. */
static bool
build_of(FilterInput *input, const FilterPlace *parent, json_t *json, FilterRows *rows)
{
	json_t *of = json_object_get(json, "of");
	FilterPlace place = FilterMember(parent, "of");
	const char *word = FilterAggregateWord(rows->aggregate);

	if (rows->aggregate <= FILTER_AGGREGATE_COUNT)
	{
		if (of == NULL)
			return true;
		return FilterRefuseValue(input, &place, psprintf("aggregate \"%s\" is of no field", word),
								 "found a field.", NULL);
	}
	if (of == NULL)
		return FilterRefuseValue(input, parent, psprintf("aggregate \"%s\" needs a field", word),
								 "the key \"of\" names it.", NULL);
	if (!FilterCheckWord(input, &place, of))
		return false;
	rows->of = FilterTextOf(of);
	return true;
}

/* That rows exist is compared with nothing. */
static bool
check_not_compared(FilterInput *input, const FilterPlace *parent, json_t *json)
{
	static const char *const keys[] = {"operator", "properties"};
	int i;

	for (i = 0; i < lengthof(keys); i++)
	{
		FilterPlace place = FilterMember(parent, keys[i]);
		json_t *member = json_object_get(json, keys[i]);

		if (member == NULL || (json_is_array(member) && json_array_size(member) == 0) ||
			(json_is_object(member) && json_object_size(member) == 0))
			continue;
		return FilterRefuseValue(input, &place, psprintf("aggregate \"exists\" has no %s", keys[i]),
								 "that there is a row is true or false.",
								 "To compare the number of rows, use the aggregate count.");
	}
	return true;
}

/*
 * The operator and value that the aggregate is compared with.
 */
bool
FilterBuildComparison(FilterInput *input, const FilterPlace *place, json_t *json, FilterNode *node)
{
	if (node->rows->aggregate == FILTER_AGGREGATE_EXISTS)
		return check_not_compared(input, place, json);
	return FilterBuildOperator(input, place, json, node) &&
		   FilterBuildProperties(input, place, json, node);
}

/* ----- within ----- */

static bool
build_date_name(FilterInput *input, const FilterPlace *parent, json_t *json, const char *key,
				char **name)
{
	FilterPlace place = FilterMember(parent, key);
	json_t *member = json_object_get(json, key);

	if (member == NULL)
		return FilterRefuseValue(input, parent, psprintf("within has no %s", key),
								 "it needs the keys \"date\" and \"of\".", NULL);
	if (!FilterCheckWord(input, &place, member))
		return false;
	*name = FilterTextOf(member);
	return true;
}

/* An end of the span; missing or null is open. */
static bool
build_end(FilterInput *input, const FilterPlace *parent, json_t *json, const char *key, char **end)
{
	FilterPlace place = FilterMember(parent, key);
	json_t *member = json_object_get(json, key);

	if (member == NULL || json_is_null(member))
		return true;
	if (!FilterIsText(member))
		return FilterRefuseValue(input, &place, psprintf("%s of within must be a string", key),
								 psprintf("found %s.", FilterKindOf(member)),
								 "A span is \"N unit\" or \"-N unit\"; null leaves it open.");
	*end = FilterTextOf(member);
	return true;
}

static bool
build_within(FilterInput *input, const FilterPlace *parent, json_t *json, FilterRows *rows)
{
	json_t *within = json_object_get(json, "within");
	FilterPlace place = FilterMember(parent, "within");

	if (within == NULL)
		return true;
	if (input->rows_depth < 2)
		return FilterRefuseValue(input, &place, "row group has no row to be within a span of",
								 "within is for a row group inside another one.", NULL);
	if (!json_is_object(within))
		return FilterRefuseValue(input, &place, "within must be an object",
								 psprintf("found %s.", FilterKindOf(within)), NULL);
	rows->within = (FilterWithin *) palloc0(sizeof(FilterWithin));
	return FilterCheckKeys(input, &place, within, within_keys, "within",
						   "the keys of within are date, of, from and to.") &&
		   build_date_name(input, &place, within, "date", &rows->within->date) &&
		   build_date_name(input, &place, within, "of", &rows->within->of) &&
		   build_end(input, &place, within, "from", &rows->within->from) &&
		   build_end(input, &place, within, "to", &rows->within->to);
}

/* ----- the row group ----- */

static bool
build_relation(FilterInput *input, const FilterPlace *parent, json_t *json, FilterRows *rows)
{
	json_t *relation = json_object_get(json, "rows");
	FilterPlace place = FilterMember(parent, "rows");

	if (!FilterCheckWord(input, &place, relation))
		return false;
	rows->relation = FilterTextOf(relation);
	return true;
}

static bool
check_rows_depth(FilterInput *input, const FilterPlace *place)
{
	if (input->rows_depth <= FILTER_MAX_ROWS_DEPTH)
		return true;
	return FilterRefuse(input, place, ERRCODE_STATEMENT_TOO_COMPLEX,
						psprintf("row groups are nested more than %d deep", FILTER_MAX_ROWS_DEPTH),
						"this one is inside too many others.", NULL);
}

/*
 * A row group but its filters and comparison.
 */
bool
FilterBuildRows(FilterInput *input, const FilterPlace *place, json_t *json, FilterNode *node)
{
	node->rows = (FilterRows *) palloc0(sizeof(FilterRows));
	node->object = "";
	return check_rows_depth(input, place) &&
		   FilterCheckKeys(input, place, json, rows_keys, "row group",
						   "the keys of a row group are glue, rows, filters, aggregate, of, "
						   "operator, properties, negate and within.") &&
		   FilterBuildGlue(input, place, json, node) &&
		   build_relation(input, place, json, node->rows) &&
		   FilterBuildNegate(input, place, json, node) &&
		   build_aggregate(input, place, json, node->rows) &&
		   build_of(input, place, json, node->rows) && build_within(input, place, json, node->rows);
}
