SELECT segments.create_segment('French', '[
  {"glue": "and", "object": "lead", "field": "country", "type": "country",
   "operator": "=", "properties": {"filter": "France"}}]');

SELECT segments.create_segment('Hot leads', '[
  {"glue": "and", "object": "lead", "field": "points", "type": "number",
   "operator": "gte", "properties": {"filter": "100"}},
  {"glue": "and", "object": "lead", "field": "email", "type": "email",
   "operator": "!empty", "properties": []}]');

SELECT segments.create_segment('Hot and French', '[
  {"glue": "and", "object": "lead", "field": "leadlist", "type": "leadlist",
   "operator": "includingAll", "properties": {"filter": ["french", "hot-leads"]}}]');

SELECT segments.create_segment('Acme people', '[
  {"glue": "and", "object": "company", "field": "companyname", "type": "text",
   "operator": "startsWith", "properties": {"filter": "acme"}}]');

SELECT segments.create_segment('Saw the prices', '[
  {"glue": "and", "object": "behaviors", "field": "hit_url", "type": "text",
   "operator": "contains", "properties": {"filter": "/pricing"}},
  {"glue": "and", "object": "behaviors", "field": "hit_url_date", "type": "datetime",
   "operator": "inLast", "properties": {"filter": "2 weeks"}}]');

SELECT segments.create_segment('Bought this week', '[
  {"glue": "and", "object": "lead", "field": "last_purchase", "type": "datetime",
   "operator": "=", "properties": {"filter": "this week"}}]');

SELECT segments.create_segment('Friends of the house');
