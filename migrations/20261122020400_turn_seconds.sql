-- When each turn of a conversation began, in seconds from its begin, where the provider says so; beside the turns, in their order.
alter table calls add turn_seconds int[] not null default '{}';
