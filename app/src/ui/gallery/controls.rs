//! What is pressed and filled in, as the gallery shows it.
//! The words are samples; nothing here is read from anywhere.

use super::section;
use crate::prelude::*;
use crate::ui::*;

pub(super) fn colours() -> AnyView {
    let swatches = [
        ("background", "bg-background"),
        ("muted", "bg-muted"),
        ("border", "bg-border"),
        ("muted-foreground", "bg-muted-foreground"),
        ("foreground", "bg-foreground"),
        ("primary", "bg-primary"),
        ("primary-subtle", "bg-primary-subtle"),
        ("success", "bg-success"),
        ("warning", "bg-warning"),
        ("destructive", "bg-destructive"),
        ("info", "bg-info"),
        ("chart-1", "bg-chart-1"),
        ("chart-2", "bg-chart-2"),
        ("chart-3", "bg-chart-3"),
        ("chart-4", "bg-chart-4"),
        ("chart-5", "bg-chart-5"),
    ];
    let swatches = swatches.map(|(name, class)| {
        view! {
            <div>
                <div class=format!("h-10 rounded-md border {class}")></div>
                <p class="mt-1.5 truncate text-2xs text-muted-foreground">{name}</p>
            </div>
        }
    });
    section("Colour", view! { <div class="grid grid-cols-4 gap-3 sm:grid-cols-8">{swatches}</div> })
}

pub(super) fn buttons() -> AnyView {
    let busy = RwSignal::new(false);
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <Button icon=icondata::LuPlus>"Primary"</Button>
            <Button variant=Variant::Outline>"Outline"</Button>
            <Button variant=Variant::Secondary>"Secondary"</Button>
            <Button variant=Variant::Ghost>"Ghost"</Button>
            <Button variant=Variant::Destructive>"Destructive"</Button>
            <Button variant=Variant::Link>"Link"</Button>
            <Button size=Size::Small>"Small"</Button>
            <IconButton icon=icondata::LuSettings label="Settings" variant=Variant::Outline/>
            <Button class="outline-2 outline-offset-2 outline-ring">"Focus"</Button>
            <Button disabled=true>"Disabled"</Button>
            <Button busy=true icon=icondata::LuRocket>"Launching"</Button>
            <Button variant=Variant::Outline busy=busy icon=icondata::LuRotateCw on:click=move |_| busy.set(true)>"Press to be busy"</Button>
            <LinkButton href="/dev/ui" variant=Variant::Outline icon=icondata::LuDownload external=true>"Link button"</LinkButton>
            <Segmented
                label="Range"
                items=vec![Segment::new("Week", "?range=week", false), Segment::new("30 days", "?range=30", true), Segment::new("Total", "?range=all", false)]
            />
        </div>
    }
}

pub(super) fn fields() -> AnyView {
    let typed = RwSignal::new("Tampa Bay buyers".to_owned());
    let zones = vec![Opt::new("us", "Central, Chicago"), Opt::new("gb", "London")];
    view! {
        <div class="grid gap-5 sm:grid-cols-2 xl:grid-cols-4">
            <Field label="Name" name="g-name" hint="Only your team sees it." optional=true><Input placeholder="Tampa Bay buyers"/></Field>
            <Field label="Focused" name="g-focus"><Input value="Tampa Bay buyers" class="border-ring ring-3 ring-ring/25"/></Field>
            <Field label="Phone" name="g-phone" error=Some("Too short for a GB number.".to_owned())><Input kind="tel" value="0770 900"/></Field>
            <Field label="Disabled" name="g-off" hint="Locked after the first call."><Input value="Locked" disabled=true/></Field>
            <Field label="Time zone" name="g-zone"><Select options=zones value="gb"/></Field>
            <Field label="Password" name="g-pass" aside=|| view! { <a class="link text-sm" href="/forgot">"Forgotten?"</a> }>
                <PasswordInput/>
            </Field>
            <Field label="Script" name="g-script"><Textarea rows=2 value="Hi {{first_name}}, this is June…"/></Field>
            <Field label="Bound" name="g-bound"><Input bind=typed/><p class="hint">{typed}</p></Field>
        </div>
    }
}

pub(super) fn choices() -> AnyView {
    let ways = vec![
        Choice::new("canary", "Canary first", "Call 50 contacts, then wait. Goes on by itself if opt-outs stay below 5%.")
            .badge("Advised"),
        Choice::new("all", "Everyone at once", "8 calls at a time from the first minute."),
    ];
    let kinds = vec![
        Choice::new("shop", "E-commerce", "Carts, orders, returns").icon(icondata::LuShoppingBag),
        Choice::new("health", "Healthcare", "With HIPAA mode").icon(icondata::LuHeartPulse),
    ];
    view! {
        <div class="grid gap-6 xl:grid-cols-2">
            <RadioCards legend="How to start" name="g-way" choices=ways value="canary" class="sm:grid-cols-2"/>
            <RadioCards legend="Company type" name="g-kind" choices=kinds value="health" class="sm:grid-cols-2"/>
            <div class="grid gap-6 sm:grid-cols-2">
                <FieldGroup legend="Checkboxes">
                    <Checkbox label="Record calls" name="g-rec" checked=true hint="Said in the greeting."/>
                    <Checkbox label="Leave voicemail" name="g-vm"/>
                    <Checkbox label="Not allowed here" name="g-no" disabled=true/>
                </FieldGroup>
                <FieldGroup legend="Switches">
                    <Switch label="HIPAA mode" name="g-hipaa" checked=true hint="Takes effect at once."/>
                    <Switch label="GDPR mode" name="g-gdpr"/>
                    <Switch label="Not in your plan" name="g-plan" disabled=true/>
                </FieldGroup>
            </div>
        </div>
    }
}

pub(super) fn hours_editor() -> AnyView {
    let day = |windows: &[(&str, &str)]| DayHours::open(windows.iter().map(|(from, to)| Span::new(*from, *to)).collect());
    let mut week = vec![day(&[("09:00", "18:00")]); 4];
    week.push(day(&[("09:00", "12:00"), ("14:00", "16:30")]));
    week.push(day(&[("14:00", "10:00")]));
    week.push(DayHours::closed());
    let days = RwSignal::new(week);
    view! { <HoursEditor legend="Calling hours" hint="In each contact’s own zone." days=days name="hours"/> }
}

pub(super) fn mapper() -> AnyView {
    let targets = || {
        vec![
            Opt::new("", "Leave out"),
            Opt::new("name", "Customer name"),
            Opt::new("phone", "Phone"),
            Opt::new("email", "E-mail"),
        ]
    };
    view! {
        <MapperTable to="Field in Belfry">
            <MapperRow column="Name" sample="Imogen Hartley, Raj Patel" name="map[0]" options=targets() value="name" verdict=Match::Good note="Same name"/>
            <MapperRow column="Tel" sample="’07700 900142, 7.7009E+09" name="map[1]" options=targets() value="phone" verdict=Match::Good note="2 formats rescued, region GB"/>
            <MapperRow column="Contact" sample="imogen@example.com" name="map[2]" options=targets() verdict=Match::Choose note="Phone or e-mail?"/>
            <MapperRow column="Internal" sample="x, y" name="map[3]" options=targets() verdict=Match::Out note="Left out"/>
        </MapperTable>
    }
}

pub(super) fn files() -> AnyView {
    let chosen = RwSignal::new(Some(Picked { name: "black-friday-carts.csv".into(), bytes: 4_300_000.0 }));
    view! {
        <div class="mb-6 grid gap-6 md:grid-cols-3">
            <DropZone name="g-file" hint="CSV, XLSX or ODS, up to 50 MB" accept=".csv,.xlsx,.ods"/>
            <DropZone name="g-file-2" picked=chosen progress=Some(46.0)/>
            <DropZone name="g-file-3" hint="CSV, XLSX or ODS, up to 50 MB" error=Some("This file is 61 MB; the limit is 50.".to_owned())/>
        </div>
        <Card flush=true>{mapper()}</Card>
    }
}
