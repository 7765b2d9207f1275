//! The wallet: available, reserved, on calls, spent; how long it lasts; and the ledger below.

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::accounts::Permission;
use model::credits::{Credits, Wallet};
use model::events::Topic;

use super::ledger::Ledger;
use super::top_up::TopUpDialog;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, may};
use crate::ui::{Button, Card, Note, PageHeader, Skeleton, Stat, Stats, Tone};
use crate::wire::Answer;

/// Fewer days than this are worth a warning.
const DAYS_LOW: i64 = 3;

/// What the company has.
#[server(protocol = crate::wire::Wire)]
pub async fn load_wallet() -> Result<Wallet, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let wallet = services::credits::wallet(&mut tx).await?;
    tx.commit().await?;
    Ok(wallet)
}

/// Whole days that the available credits last at the spend of the last week; `None` without spend.
fn days_left(wallet: &Wallet) -> Option<i64> {
    (wallet.daily_spend > Credits::ZERO).then(|| wallet.available.0.max(0) / wallet.daily_spend.0)
}

/// `About 4,218 minutes, 9 days at 469.0 a day`
fn lasts(wallet: &Wallet) -> String {
    let minutes = model::credits::thousands(wallet.available.0.max(0) / 1000);
    match days_left(wallet) {
        Some(1) => format!("About {minutes} minutes, 1 day at {} a day", wallet.daily_spend.rounded()),
        Some(days) => format!("About {minutes} minutes, {days} days at {} a day", wallet.daily_spend.rounded()),
        None => format!("About {minutes} minutes of talk"),
    }
}

/// `/billing`
#[component]
pub fn WalletPage() -> impl IntoView {
    let (credits, calls) = (use_topic(Topic::Credits), use_topic(Topic::Calls));
    let wallet = Answer::new(move || credits.get() + calls.get(), || LoadWallet {});
    let topping_up = RwSignal::new(false);
    let sees = may(Permission::ViewWallet);
    view! {
        <Title text="Billing"/>
        <PageHeader title="Billing" description="One credit is one minute at the base rate. Every movement is kept, so you can check it yourself.">
            <Show when=move || sees.get()>
                <Button icon=i::LuPlus on:click=move |_| topping_up.set(true)>"Top up"</Button>
            </Show>
        </PageHeader>
        <div class="flex flex-col gap-6">
            <Loaded
                resource=wallet
                what="the wallet"
                waiting=|| view! { <Card><Skeleton class="h-20 w-full"/></Card> }
                view=|wallet| tiles(wallet)
            />
            <Ledger/>
        </div>
        <TopUpDialog open=topping_up/>
    }
}

fn tiles(wallet: Signal<Wallet>) -> AnyView {
    let amount = move |read: fn(&Wallet) -> Credits| Signal::derive(move || wallet.with(read).to_string());
    let low = Memo::new(move |_| wallet.with(|wallet| days_left(wallet).filter(|days| *days < DAYS_LOW)));
    let stretch = Signal::derive(move || wallet.with(lasts));
    view! {
        <Stats label="Credits" class="grid-cols-2 lg:grid-cols-4">
            <Stat label="Available" value=amount(|w| w.available) unit="credits"/>
            <Stat label="Reserved" value=amount(|w| w.reserved) note="Set aside for running campaigns"/>
            <Stat label="On calls" value=amount(|w| w.held) note="Held until the call ends"/>
            <Stat label="Spent" value=amount(|w| w.spent) note="On answered calls"/>
        </Stats>
        <p class="-mt-3 text-sm text-muted-foreground tabular-nums">{stretch} "."</p>
        {move || low.get().map(|days| view! {
            <Note tone=Tone::Warning live=true>
                <b>{if days == 0 { "Less than a day left.".to_owned() } else { format!("{days} days left.") }}</b>
                " Campaigns pause themselves when no credits are available. Nothing is lost then."
            </Note>
        })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_from_the_spend_of_the_last_week() {
        let wallet = Wallet { available: Credits::whole(4218), daily_spend: Credits::whole(469), ..Wallet::default() };
        assert_eq!(days_left(&wallet), Some(8));
        assert_eq!(lasts(&wallet), "About 4,218 minutes, 8 days at 469 a day");
        assert_eq!(lasts(&Wallet { available: Credits::whole(20), ..Wallet::default() }), "About 20 minutes of talk");
    }
}
