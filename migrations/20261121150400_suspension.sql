-- A client of the platform that may do nothing until it is reinstated; its people read why.
alter table companies add column suspended_at timestamptz;
alter table companies add column suspended_because text
    constraint companies_suspended check ((suspended_at is null) = (suspended_because is null));

-- A super admin's session inside somebody else's company.
alter table sessions add column acting boolean not null default false;
