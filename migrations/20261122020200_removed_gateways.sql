-- A gateway that was removed: gone from lists, its calls stay. Its keys are forgotten two weeks later, with the last news of them.
alter table gateways add removed_at timestamptz;
