-- What customers ordered. Amounts are whole minor units of a currency.
create table product_categories (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    created_at timestamptz not null,
    primary key (company_id, id),
    constraint product_categories_name_unique unique (company_id, name_lower)
);
select app.protect('product_categories');

create table product_brands (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    created_at timestamptz not null,
    primary key (company_id, id),
    constraint product_brands_name_unique unique (company_id, name_lower)
);
select app.protect('product_brands');

-- Found by its SKU, or by its name where it has none.
create table products (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    sku text not null default '',
    sku_lower text not null generated always as (lower(sku)) stored,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    category_id uuid,
    brand_id uuid,
    created_at timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, category_id) references product_categories (company_id, id),
    foreign key (company_id, brand_id) references product_brands (company_id, id)
);
create unique index products_sku_unique on products (company_id, sku_lower) where sku_lower <> '';
create unique index products_name_unique on products (company_id, name_lower) where sku_lower = '';
create index products_name on products (company_id, name_lower text_pattern_ops);
create index products_category on products (company_id, category_id) where category_id is not null;
create index products_brand on products (company_id, brand_id) where brand_id is not null;
select app.protect('products');

create table orders (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    number text not null constraint orders_number check (length(number) between 1 and 80),
    number_lower text not null generated always as (lower(number)) stored,
    contact_id uuid not null,
    status text not null constraint orders_status check (status in ('new', 'confirmed', 'paid', 'fulfilled', 'cancelled', 'refunded')),
    ordered_on date not null,
    currency text not null constraint orders_currency check (currency ~ '^[A-Z]{3}$'),
    -- Sum and number of the items, moved with them.
    total bigint not null constraint orders_total check (total >= 0),
    items int not null,
    notes text not null default '',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    primary key (company_id, id),
    constraint orders_number_unique unique (company_id, number_lower),
    foreign key (company_id, contact_id) references contacts (company_id, id)
);
create index orders_list on orders (company_id, ordered_on desc, id desc) where archived_at is null;
create index orders_status_list on orders (company_id, status, ordered_on desc, id desc) where archived_at is null;
create index orders_contact on orders (company_id, contact_id, ordered_on desc);
create index orders_number_prefix on orders (company_id, number_lower text_pattern_ops);
select app.protect('orders');

create table order_items (
    company_id uuid not null default app.company(),
    order_id uuid not null,
    no int not null,
    product_id uuid not null,
    quantity bigint not null constraint order_items_quantity check (quantity between 1 and 1000000),
    -- Of one piece.
    price bigint not null constraint order_items_price check (price between 0 and 1000000000000),
    primary key (company_id, order_id, no),
    foreign key (company_id, order_id) references orders (company_id, id) on delete cascade,
    foreign key (company_id, product_id) references products (company_id, id)
);
create index order_items_product on order_items (company_id, product_id);
select app.protect('order_items');
