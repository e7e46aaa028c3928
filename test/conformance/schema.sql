-- The tables of the data set: Mautic's, and the custom fields.
SELECT segments.create_mautic_schema('crm');

ALTER TABLE crm.leads
    ADD COLUMN is_vip boolean, ADD COLUMN plan text, ADD COLUMN interests text, ADD COLUMN birth_date date,
    ADD COLUMN last_purchase timestamp, ADD COLUMN ltv numeric, ADD COLUMN pref_time time,
    ADD COLUMN notes_text text, ADD COLUMN bio text;
ALTER TABLE crm.companies
    ADD COLUMN companyis_partner boolean, ADD COLUMN companyfounded date,
    ADD COLUMN companylast_contact timestamp, ADD COLUMN companysectors text;

SELECT segments.define_field('crm.leads', 'plan', 'select', label => 'Plan',
    options => '{free,pro,enterprise,A & B}');
SELECT segments.define_field('crm.leads', 'interests', 'multiselect', label => 'Interests',
    options => '{sport,music,sport+,art (modern),c++,film}');
SELECT segments.define_field('crm.leads', 'companysectors', 'multiselect', object => object, label => 'Sectors',
    options => '{it,retail,gov}')
FROM unnest('{company,company_all}'::text[]) AS object;
