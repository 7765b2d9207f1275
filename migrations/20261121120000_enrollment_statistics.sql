-- A campaign belongs to one company. Without knowing that, the planner takes the rows of one campaign of one company for a
-- handful, and reads and sorts all of them where the first of an index is the answer.
create statistics enrollments_of_campaigns (dependencies) on company_id, campaign_id from enrollments;
