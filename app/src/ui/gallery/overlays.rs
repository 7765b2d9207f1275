//! What lies above the page, and where one is in it, as the gallery shows it.
//! The words are samples; nothing here is read from anywhere.

use super::controls::mapper;
use crate::prelude::*;
use crate::ui::*;

pub(super) fn overlays() -> AnyView {
    let (plain, wide, side, sure) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| plain.set(false)>"Not yet"</Button>
            <Button icon=icondata::LuRocket on:click=move |_| plain.set(false)>"Launch with 50 contacts"</Button>
        }
    };
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <Button variant=Variant::Outline on:click=move |_| plain.set(true) attr:id="open-plain">"Dialog"</Button>
            <Button variant=Variant::Outline on:click=move |_| wide.set(true)>"Large dialog"</Button>
            <Button variant=Variant::Outline on:click=move |_| side.set(true)>"Drawer"</Button>
            <Button variant=Variant::Outline on:click=move |_| sure.set(true) attr:id="open-sure">"Confirm with typed name"</Button>
            <Menu id="g-menu" label="Example menu">
                <MenuItem label="Edit" icon=icondata::LuPencil/>
                <MenuItem label="Not now" icon=icondata::LuArchive disabled=true/>
                <MenuLink href="/dev/ui" label="Open" icon=icondata::LuArrowRight/>
                <MenuLine/>
                <MenuItem label="Delete…" icon=icondata::LuTrash2 danger=true/>
            </Menu>
            <Tooltip text="Thursday 19 November, 14:31 in Tampa"><span tabindex="0" class="text-sm">"14:31"</span></Tooltip>
        </div>
        <Dialog open=plain id="g-plain" title="Launch Mortgage pre-approval check-in?" description="1,460 contacts, first call Mon 23 Nov at 09:00." consequence="1,180 credits are reserved." foot=foot>
            <Field label="Note" name="g-note" optional=true><Input/></Field>
        </Dialog>
        <Dialog open=wide id="g-wide" title="Import orders" size=DialogSize::Large sticky=true>{mapper()}</Dialog>
        <Dialog open=side id="g-side" title="Call details" size=DialogSize::Side><SkeletonText lines=6/></Dialog>
        <ConfirmDialog
            open=sure
            id="g-sure"
            title="Cancel campaign?"
            description="402 contacts will not be called. 1,294 credits go back to available."
            confirm="Cancel campaign"
            typed="Expired listings"
            on_confirm=move |()| sure.set(false)
        />
    }
}

pub(super) fn notes() -> AnyView {
    let toasts = use_toasts();
    let undo = move |_| toasts.show(Toast::new(Tone::Neutral, "3 campaigns archived").action("Undo", || ()));
    let done = move |_| toasts.show(Toast::new(Tone::Success, "Import done").text("18,207 rows, 33 problems"));
    view! {
        <div class="grid items-start gap-4 xl:grid-cols-2">
            <Note tone=Tone::Info>"Hours are read in each contact’s own zone."</Note>
            <Note tone=Tone::Success icon=icondata::LuBadgeCheck>"Verified: every hash and balance matches."</Note>
            <Note tone=Tone::Warning><b class="font-semibold">"48 credits left."</b> " About 6 minutes at this pace."</Note>
            <Note tone=Tone::Danger>"Paused: the gateway refused the key. " <a class="link" href="/dev/ui">"Fix key"</a></Note>
            <Note tone=Tone::Primary icon=icondata::LuGift><b class="font-semibold">"20 credits are waiting."</b> " No card needed."</Note>
            <div class="flex flex-wrap gap-3">
                <Button variant=Variant::Outline on:click=done>"Toast"</Button>
                <Button variant=Variant::Outline on:click=undo>"Toast with undo"</Button>
                <Button variant=Variant::Outline on:click=move |_| toasts.error("Card declined")>"Failure"</Button>
            </div>
        </div>
    }
}

pub(super) fn steps() -> AnyView {
    let names = || ["File", "Columns", "Check", "Run"].map(String::from).to_vec();
    let current = RwSignal::new(1usize);
    let tabs = vec![
        Tab::new("All", "/dev/ui", true).count(34),
        Tab::new("Running", "?view=running", false).count(6),
        Tab::new("Archived", "?view=old", false),
    ];
    view! {
        <Tabs label="Views" items=tabs class="mb-6"/>
        <div class="grid items-start gap-6 xl:grid-cols-[2fr_1fr_1.5fr]">
            <div class="rounded-lg border bg-muted/60 p-2"><Stepper steps=names() current=current on_pick=move |i| current.set(i)/></div>
            <div class="rounded-lg border bg-muted/60 p-2"><Stepper steps=names() current=2 vertical=true/></div>
            <Card title="What happened">
                <Timeline>
                    <TimelineItem title="Queued" time="14:28:02"/>
                    <TimelineItem title="Answered" time="14:29:37" tone=Tone::Success>"After 11 seconds"</TimelineItem>
                    <TimelineItem title="Ended by caller" time="14:31:52" tone=Tone::Primary>"2 min 13 s, 3.000 credits"</TimelineItem>
                </Timeline>
            </Card>
        </div>
    }
}
