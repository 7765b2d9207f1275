-- Inbound calls have no campaign that set credits aside: they hold straight from what is available.
alter table movements drop constraint movements_lawful;
alter table movements add constraint movements_lawful check ((kind, source, target) in (
    ('purchase', 'bank', 'available'), ('refund', 'available', 'bank'), ('grant', 'promo', 'available'),
    ('reserve', 'available', 'escrow'), ('unreserve', 'escrow', 'available'),
    ('hold', 'escrow', 'held'), ('release', 'held', 'escrow'),
    ('hold_direct', 'available', 'held'), ('release_direct', 'held', 'available'), ('capture', 'held', 'spent'),
    ('adjust_up', 'adjust', 'available'), ('adjust_down', 'available', 'adjust')));
