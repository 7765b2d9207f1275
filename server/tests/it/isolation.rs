//! Every server function, as nobody, as another company, as a viewer. The table below must name all of them:
//! a new one without a line fails the first test.

use crate::support::{Answer, Browser, Site};
use futures::stream;
use http::StatusCode;
use model::accounts::Role;
use model::agents::{AgentForm, Scripts};
use model::api_keys::{ApiKeyForm, Scope};
use model::campaigns::{Action, Audience, CampaignForm};
use model::contacts::ContactForm;
use model::enrollments::EnrollmentFilter;
use model::gateways::{GatewayForm, ProviderKind};
use model::id::{
    AgentId, ApiKeyId, CallId, CampaignId, CompanyId, ContactId, DeliveryId, DocumentId, EndpointId, EnrollmentId, GatewayId,
    ImportId, InviteId, LeadId, OrderId, SessionId, SuppressionId, UserId,
};
use model::imports::ImportKind;
use model::leads::LeadForm;
use model::orders::{ItemForm, OrderForm};
use model::page::Paging;
use model::webhooks::EndpointForm;
use services::{
    accounts, agents, api_keys, campaigns, contacts, dialer, enrollments, gateways, imports, leads, orders, rehearsal,
    suppressions, team, webhooks,
};
use std::collections::BTreeSet;
use std::convert::Infallible;

/// In every name of the company that is spied on.
pub const SECRET: &str = "Confidential";
/// The phone of its contact.
pub const PHONE: &str = "+12025550143";

/// What a visitor without a session is meant to reach.
const OPEN: &[&str] = &[
    "/fn/app/auth/code/finish_sign_in",
    "/fn/app/auth/confirm/confirm_email",
    "/fn/app/auth/forgot/ask_reset",
    "/fn/app/auth/forgot/reset_password",
    "/fn/app/auth/invite/join_as_new",
    "/fn/app/auth/invite/load_invite",
    "/fn/app/auth/new_address/take_address",
    "/fn/app/auth/newcomer/load_newcomer",
    "/fn/app/auth/newcomer/open_account_with",
    "/fn/app/auth/register/open_account",
    "/fn/app/auth/sign_in/sign_in",
    "/fn/app/session/current_session",
    "/fn/app/session/sign_out",
];

/// What another company gets for well-formed arguments that name our things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// 404, as for a thing that does not exist.
    Nothing,
    /// Its own things, or an empty list; never ours.
    Own,
}
use Other::{Nothing, Own};

/// Path below `/fn/app/`, arguments (JSON or a form) with our ids in braces, what others get, and whether a viewer may.
pub type Case = (&'static str, &'static str, Other, bool);

const AGENT: &str = "id={agent}&form[name]=A&form[role]=B&form[persona]=&form[tone]=&form[language]=en-US&form[voice]=&form[voice_gateway]=&form[voice_id]=\
    &form[scripts][greeting]=Hi&form[scripts][main]=Well&form[scripts][voicemail]=&form[scripts][closing]=Bye";
const PREVIEW: &str = "wanted[gateway]={gateway}&wanted[voice]=v&wanted[language]=en-US&wanted[text]=Hello";
const CONTACT: &str = "id={contact}&form[name]=A&form[phone]=%2B12025550199&form[email]=&form[company]=&form[time_zone]=\
    &form[segment]=&form[notes]=";
const ENROLLMENTS: &str = "filter[campaign]={campaign}&filter[paging][page]=1&filter[paging][per_page]=25";
const SETTINGS: &str = "settings[name]=Own&settings[company_type]=generic&settings[time_zone]=UTC&settings[default_region]=US\
    &settings[concurrency_max]=5&settings[ring_seconds_max]=30&settings[call_minutes_max]=5{week}";

const GATEWAY: &str = "id={gateway}&gateway[kind]=vapi&gateway[phones]=real&gateway[name]=A&gateway[concurrency_max]=1\
    &gateway[calls_per_second]=1";

const ENDPOINT: &str = "url=http%3A%2F%2Flocalhost%3A9%2F&description=&events[0]=call.completed&campaign=";
const SAVED_ENDPOINT: &str = "id={endpoint}&url=http%3A%2F%2Flocalhost%3A9%2F&description=&events[0]=call.completed&campaign=";

const ORDER: &str = "form[number]=Own-1&form[customer_phone]=%2B12025550187&form[currency]=USD&form[items][0][sku]=L\
    &form[items][0][price]=1.50";
const SAVED_ORDER: &str =
    "id={order}&form[number]=Own-2&form[currency]=USD&form[items][0][sku]=L&form[items][0][price]=1.50&more=true";

pub const CASES: &[Case] = &[
    ("account/identities/link_identity", "provider=google&password=wrong", Own, true),
    ("account/identities/load_identities", "", Own, true),
    ("account/identities/unlink_identity", "provider=google", Own, true),
    ("account/load_account", "", Own, true),
    ("account/notices/choose_notices", "wanted[0]=credits_low", Own, true),
    ("account/notices/load_notices", "", Own, true),
    ("account/notices/set_credits_low", "credits_low=5", Own, false),
    ("account/password/change_email", "email=x%40y.example&password=wrong", Own, true),
    ("account/password/change_password", "old=wrong&new=better-horse-8", Own, true),
    ("account/save_name", "name=Somebody", Own, true),
    ("account/sessions/end_other_sessions", "", Own, true),
    ("account/sessions/end_session", "id={session}", Nothing, true),
    ("admin/check_now", "", Own, false),
    ("admin/clients/enter_client", "company={company}", Own, false),
    ("admin/clients/list_clients", r#"{"filter":{}}"#, Own, false),
    ("admin/clients/reinstate_client", "company={company}", Own, false),
    ("admin/clients/suspend_client", "company={company}&reason=why", Own, false),
    ("admin/features/features_of", "company={company}", Own, false),
    ("admin/features/set_feature", "company={company}&feature=rest_api&to=off", Own, false),
    (
        "admin/letters/draft_letter",
        "kind=reset&wording[subject]=A&wording[text]=%7B%7Blink%7D%7D&wording[html]=%7B%7Blink%7D%7D",
        Own,
        false,
    ),
    ("admin/letters/list_letters", "", Own, false),
    ("admin/letters/load_letter", "kind=reset", Own, false),
    ("admin/letters/restore_letter", "kind=reset", Own, false),
    ("admin/letters/use_letter", "kind=reset", Own, false),
    ("admin/load_health", "", Own, false),
    ("agents/detail/archive_agent", "id={agent}", Nothing, false),
    ("agents/detail/load_agent", "id={agent}", Nothing, true),
    ("agents/detail/publish_agent", "id={agent}", Nothing, false),
    ("agents/detail/save_agent", AGENT, Nothing, false),
    ("agents/kept/compare_agent", "id={agent}", Nothing, false),
    ("agents/kept/list_kept_agents", "id={agent}", Nothing, true),
    ("agents/knowledge/add_document", "agent={agent}&name=A&text=B&address=", Nothing, false),
    ("agents/knowledge/list_documents", "agent={agent}", Nothing, true),
    ("agents/knowledge/remove_document", "id={document}", Nothing, false),
    ("agents/list/list_agents", "filter[paging][page]=1&filter[paging][per_page]=25", Own, true),
    ("agents/templates/create_agent", "", Own, false),
    ("agents/templates/list_templates", "", Own, true),
    ("agents/voice/choose_voice", "id={agent}&gateway=&voice=", Nothing, false),
    ("agents/voice/list_voices", "", Own, false),
    ("agents/voice/preview_voice", PREVIEW, Nothing, false),
    ("auth/check_mail/resend_confirmation", "", Own, true),
    ("auth/invite/join_as_known", "token=made-up", Nothing, true),
    ("auth/two_factor/load_two_factor", "", Own, true),
    ("auth/two_factor/turn_on_two_factor", "password=wrong&code=000000", Own, true),
    ("auth/two_factor/turn_off_two_factor", "password=wrong", Own, true),
    ("auth/welcome/choose_company_type", "company_type=generic", Own, false),
    ("calls/detail/load_call", "id={call}", Nothing, true),
    ("calls/hang_up_call", "id={call}", Nothing, false),
    ("calls/list/list_calls", "filter[campaign]={campaign}", Own, true),
    ("campaigns/choices/campaign_choices", "", Own, false),
    ("campaigns/choices/count_audience", r#"{"audience":{"kind":"import","import":"{import}"}}"#, Own, true),
    ("campaigns/detail/list_subject_events", "filter[subject]={campaign}", Own, false),
    ("campaigns/detail/load_campaign", "id={campaign}", Nothing, true),
    ("campaigns/enrollments/list_enrollments", ENROLLMENTS, Own, true),
    ("campaigns/form/save_campaign", r#"{"id":"{campaign}","form":{form}}"#, Nothing, false),
    ("campaigns/launch/check_launch", "id={campaign}", Nothing, true),
    ("campaigns/list/list_campaigns", r#"{"filter":{}}"#, Own, true),
    ("campaigns/moves/delete_campaign", "id={campaign}", Nothing, false),
    ("campaigns/moves/duplicate_campaign", "id={campaign}", Nothing, false),
    ("campaigns/moves/move_campaign", "id={campaign}&action=cancel", Nothing, false),
    ("campaigns/numbers/campaign_numbers", "id={campaign}", Nothing, true),
    ("campaigns/why/explain_campaign", "id={campaign}", Nothing, true),
    ("campaigns/why/explain_enrollment", "id={enrollment}", Nothing, true),
    ("campaigns/rehearsal/given_rehearsal", "id={campaign}", Nothing, false),
    ("campaigns/rehearsal/load_rehearsal", "id={campaign}", Nothing, true),
    ("campaigns/rehearsal/run_rehearsal", r#"{"id":"{campaign}","form":{rehearsal}}"#, Nothing, false),
    ("clients/brand/choose_color", "color=%231f5f8b", Own, false),
    ("clients/brand/load_brand", "", Own, false),
    ("clients/brand/remove_brand", "", Own, false),
    ("clients/enter_own_client", "company={company}", Own, false),
    ("clients/give_credits", "company={company}&id=mov_00000000000070008000000000000001&amount=1&note=", Own, false),
    ("clients/limit_client", "company={company}&concurrency_max=5", Own, false),
    ("clients/list_own_clients", "", Own, false),
    ("clients/open_client", "name=Own&email=someone%40own.example&concurrency_max=5", Own, false),
    ("contacts/detail/open_contact", "id={contact}", Nothing, true),
    ("contacts/erase/erase_person", "id={contact}&number=%2B12025550143&sure=true", Nothing, false),
    ("contacts/erase/load_person", "id={contact}", Nothing, false),
    ("contacts/form/save_contact", CONTACT, Nothing, false),
    ("contacts/list/archive_contact", "id={contact}", Nothing, false),
    ("contacts/list/list_contacts", r#"{"filter":{}}"#, Own, true),
    ("contacts/list/list_segments", "", Own, true),
    ("credits/ledger/list_movements", r#"{"filter":{}}"#, Own, false),
    ("credits/verify/verify_ledger", "", Own, false),
    ("credits/wallet/load_wallet", "", Own, false),
    ("dashboard/load_dashboard", "range=week", Own, true),
    ("developers/create_key", "form[name]=Own&form[scopes][]=read&form[addresses]=&form[days]=", Own, false),
    ("developers/load_keys", "", Own, false),
    ("developers/revoke_key", "id={key}", Nothing, false),
    ("developers/rotate_key", "id={key}&hours=1", Nothing, false),
    ("events/proof/verify_events", "", Own, false),
    ("events/list_events", r#"{"filter":{}}"#, Own, false),
    ("find/find_anything", "text=a", Own, true),
    ("frame/choose_theme", "theme=dark", Own, true),
    ("imports/detail/load_import", "id={import}", Nothing, false),
    ("imports/detail/run_import", "id={import}", Nothing, false),
    ("imports/list/list_imports", r#"{"filter":{}}"#, Own, false),
    ("imports/mapper/check_import", "id={import}&columns[0]=name&columns[1]=phone", Nothing, false),
    ("imports/problems/list_problems", r#"{"id":"{import}","paging":{"page":1,"per_page":25}}"#, Nothing, false),
    ("imports/progress/cancel_import", "id={import}", Nothing, false),
    ("session/leave_client", "", Own, true),
    ("leads/lead/archive_lead", "id={lead}", Nothing, false),
    ("leads/lead/assign_lead", "id={lead}&owner=", Nothing, false),
    ("leads/lead/create_lead", "contact={contact}&form[next_action]=Call", Nothing, false),
    ("leads/lead/load_lead", "id={lead}", Nothing, true),
    ("leads/lead/save_lead", "id={lead}&form[next_action]=Call&form[score][fit][points]=3", Nothing, false),
    ("leads/list/lead_board", r#"{"filter":{}}"#, Own, true),
    ("leads/list/list_leads", r#"{"filter":{}}"#, Own, true),
    ("leads/list/move_lead", "id={lead}&status=lost", Nothing, false),
    ("orders/form/archive_order", "id={order}", Nothing, false),
    ("orders/form/create_order", ORDER, Own, false),
    ("orders/form/load_order", "id={order}", Nothing, true),
    ("orders/form/save_order", SAVED_ORDER, Nothing, false),
    ("orders/list/list_orders", "filter[contact]={contact}", Own, true),
    ("imports/undo/undo_import", "id={import}", Nothing, false),
    ("session/switch_company", "company={company}", Nothing, true),
    ("settings/company/load_company_rules", "", Own, false),
    ("settings/company/add_holiday", "on=2026-12-25&name=Christmas&closed=day", Own, false),
    ("settings/company/remove_holiday", "on=2026-12-25&name=Nobody", Nothing, false),
    ("settings/company/save_figures", "locale=de-DE&currency=EUR", Own, false),
    ("settings/company/save_pace", "calls_per_second=5", Own, false),
    ("settings/compliance/load_compliance", "", Own, true),
    ("settings/compliance/save_compliance", "own[attempts_per_week_max]=5&own[attempts_ever_max]=&own[countries]=", Own, false),
    ("settings/defaults/load_defaults", "", Own, false),
    (
        "settings/defaults/save_defaults",
        "attempts_max=4&attempts_per_day_max=2&call_minutes_max=5&record=true&language=en-US",
        Own,
        false,
    ),
    ("settings/defaults/save_retention", "recordings_days=30&transcripts_days=", Own, false),
    ("settings/form/save_settings", SETTINGS, Own, false),
    ("settings/gateway/add_gateway_number", "id={gateway}&phone=%2B12025550166&label=", Nothing, false),
    ("settings/gateway/import_gateway_numbers", "id={gateway}&phones[]=%2B12025550166", Nothing, false),
    ("settings/gateway/list_gateway_numbers", "id={gateway}", Nothing, false),
    ("settings/gateway/load_gateway", "id={gateway}", Nothing, false),
    ("settings/gateway/publish_agent_at", "agent={agent}&gateway={gateway}", Nothing, false),
    ("settings/gateway/save_gateway", GATEWAY, Nothing, false),
    ("settings/gateway/test_call", "gateway={gateway}&agent={agent}&phone=%2B12025550167", Own, false),
    ("settings/gateway/test_gateway", "id={gateway}", Nothing, false),
    (
        "settings/gateways/create_gateway",
        "gateway[kind]=vapi&gateway[phones]=sandbox&gateway[name]=Own&gateway[concurrency_max]=1\
        &gateway[calls_per_second]=1",
        Own,
        false,
    ),
    ("settings/privacy/load_privacy", "", Own, false),
    ("settings/privacy/save_people_days", "calls_days=30&contacts_days=", Own, false),
    ("settings/privacy/save_privacy", "gdpr=true", Own, false),
    ("settings/remove/remove_gateway", "id={gateway}&name=Sandbox", Nothing, false),
    ("settings/load_settings", "", Own, true),
    ("team/access/assign_campaigns", "user={member}&campaigns[0]={campaign}", Nothing, false),
    ("team/access/deactivate_member", "user={member}", Nothing, false),
    ("team/access/member_access", "user={member}", Nothing, false),
    ("team/access/reactivate_member", "user={member}", Nothing, false),
    ("team/change_role", "user={member}&role=viewer", Nothing, false),
    ("team/require_two_factor", "required=true", Own, false),
    ("team/invite/invite_member", "email=someone%40own.example&role=viewer", Own, false),
    ("team/invite/resend_invite", "id={invite}", Nothing, false),
    ("team/invite/revoke_invite", "id={invite}", Nothing, false),
    ("team/load_team", "", Own, false),
    ("team/remove_member", "user={member}", Nothing, false),
    ("developers/deliveries/load_delivery", "id={delivery}", Nothing, false),
    ("developers/deliveries/list_deliveries", "filter[endpoint]={endpoint}", Nothing, false),
    ("developers/deliveries/replay_delivery", "id={delivery}", Nothing, false),
    ("developers/deliveries/replay_failed", "id={endpoint}&hours=24", Nothing, false),
    ("developers/webhooks/create_webhook", ENDPOINT, Own, false),
    ("developers/webhooks/list_webhooks", "", Own, false),
    ("developers/webhooks/load_webhook", "id={endpoint}", Nothing, false),
    ("developers/webhooks/remove_webhook", "id={endpoint}", Nothing, false),
    ("developers/webhooks/rotate_webhook", "id={endpoint}", Nothing, false),
    ("developers/webhooks/save_webhook", SAVED_ENDPOINT, Nothing, false),
    ("developers/webhooks/test_webhook", "id={endpoint}", Nothing, false),
    ("suppressions/consents/load_consents", "", Own, false),
    (
        "suppressions/consents/record_consent",
        "phones=%2B12025550178&standing=written&on=&origin[purpose]=marketing&origin[source]=paper&origin[wording]=v1&origin[evidence]=folder&origin[ip]=",
        Own,
        false,
    ),
    ("suppressions/consents/set_campaign_purpose", "campaign={campaign}&purpose=service", Nothing, false),
    ("suppressions/consents/set_consent_policy", "policy=law", Own, false),
    ("suppressions/dialogs/add_suppression", "phone=%2B12025550178&reason=asked", Own, false),
    ("suppressions/dialogs/remove_suppression", "id={suppression}&reason=mistake", Nothing, false),
    ("suppressions/evidence/load_evidence", "phone=%2B12025550149", Own, false),
    ("suppressions/list_suppressions", r#"{"filter":{}}"#, Own, true),
];

/// One of everything, in one company.
pub struct Things {
    pub agent: AgentId,
    pub call: CallId,
    pub company: CompanyId,
    pub campaign: CampaignId,
    pub contact: ContactId,
    pub delivery: DeliveryId,
    pub document: DocumentId,
    pub endpoint: EndpointId,
    pub enrollment: EnrollmentId,
    pub gateway: GatewayId,
    pub import: ImportId,
    pub key: ApiKeyId,
    pub invite: InviteId,
    pub lead: LeadId,
    pub member: UserId,
    pub order: OrderId,
    pub session: SessionId,
    pub suppression: SuppressionId,
}

impl Things {
    /// A campaign that has placed its first call.
    pub async fn make(site: &Site, admin: &Browser) -> Self {
        let db = &site.world.db;
        // The company's sandbox came first.
        site.world.clock.advance(chrono::TimeDelta::seconds(1));
        let caller = accounts::resolve(db, admin.token()).await.expect("database").expect("a session");
        let rows = stream::iter([Ok::<_, Infallible>(b"name,phone\nAda,+12025550123\n".as_slice())]);
        let import =
            imports::upload(db, &caller.actor, ImportKind::Contacts, &format!("{SECRET}.csv"), rows).await.expect("import");
        let mut tx = db.begin(&caller.actor).await.expect("begin");
        let contact = contacts::create(&mut tx, &contact_form()).await.expect("contact");
        let lead = leads::create(&mut tx, Some(contact), &lead_form()).await.expect("lead");
        let order = orders::create(&mut tx, &order_form()).await.expect("order");
        let suppression = suppressions::add(&mut tx, "+12025550177", SECRET).await.expect("suppression");
        let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("publish");
        let document =
            agents::knowledge::add_file(&mut tx, agent, &format!("{SECRET}.txt"), SECRET.as_bytes()).await.expect("document");
        let campaign = campaigns::create(&mut tx, &campaign_form(Some(agent))).await.expect("campaign");
        campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launch");
        let gateway = gateways::create(&mut tx, &gateway_form()).await.expect("gateway");
        let key = api_keys::create(&mut tx, &key_form()).await.expect("key").id;
        tx.commit().await.expect("commit");
        let mut tx = db.begin(&caller.actor).await.expect("begin");
        let turn = dialer::plan(&mut tx, campaign, campaign.uuid()).await.expect("a turn of the dialer");
        tx.commit().await.expect("commit");
        let call = turn.dials.first().expect("a call was planned").call;
        let form = model::rehearsal::RehearsalForm { runs: 1, ..Default::default() };
        rehearsal::rehearse(db, &caller.actor, campaign, &form).await.expect("a rehearsal that tells names");
        let mut tx = db.begin(&caller.actor).await.expect("begin");
        let people = EnrollmentFilter { campaign, status: None, paging: Paging::default() };
        let enrollment = enrollments::list(&mut tx, &people).await.expect("people").items.remove(0).id;
        drop(tx);
        let endpoint = webhooks::create(db, &caller.actor, &endpoint_form()).await.expect("endpoint").id;
        let mut tx = db.begin(&caller.actor).await.expect("begin");
        let delivery = webhooks::test(&mut tx, endpoint).await.expect("a test");
        tx.commit().await.expect("commit");
        let invite = team::invite(db, &caller.actor, "invited@acme.example", Role::Viewer).await.expect("invite");
        Self {
            agent,
            call,
            company: caller.actor.company(),
            campaign,
            contact,
            delivery,
            document,
            endpoint,
            enrollment,
            gateway,
            import,
            key,
            invite,
            lead,
            member: caller.user,
            order,
            session: caller.session,
            suppression,
        }
    }

    pub fn fill(&self, arguments: &str) -> String {
        let day = |i| {
            format!(
                "&settings[hours][{i}][open]=true&settings[hours][{i}][windows][0][from]=09:00&settings[hours][{i}][windows][0][to]=17:00"
            )
        };
        let week: String = (0..7).map(day).collect();
        let form = serde_json::to_string(&campaign_form(Some(self.agent))).expect("JSON");
        arguments
            .replace("{agent}", &self.agent.to_string())
            .replace("{call}", &self.call.to_string())
            .replace("{campaign}", &self.campaign.to_string())
            .replace("{contact}", &self.contact.to_string())
            .replace("{document}", &self.document.to_string())
            .replace("{delivery}", &self.delivery.to_string())
            .replace("{endpoint}", &self.endpoint.to_string())
            .replace("{enrollment}", &self.enrollment.to_string())
            .replace("{gateway}", &self.gateway.to_string())
            .replace("{import}", &self.import.to_string())
            .replace("{key}", &self.key.to_string())
            .replace("{company}", &self.company.to_string())
            .replace("{invite}", &self.invite.to_string())
            .replace("{lead}", &self.lead.to_string())
            .replace("{order}", &self.order.to_string())
            .replace("{member}", &self.member.to_string())
            .replace("{session}", &self.session.to_string())
            .replace("{suppression}", &self.suppression.to_string())
            .replace("{form}", &form)
            .replace("{rehearsal}", &serde_json::to_string(&model::rehearsal::RehearsalForm::default()).expect("JSON"))
            .replace("{week}", &week)
    }

    pub async fn ask(&self, site: &Site, who: &Browser, case: &Case) -> Answer {
        site.call(who, &format!("/fn/app/{}", case.0), &self.fill(case.1)).await
    }
}

fn contact_form() -> ContactForm {
    ContactForm {
        name: format!("{SECRET} Sam"),
        phone: PHONE.to_owned(),
        segment: format!("{SECRET} segment"),
        ..ContactForm::default()
    }
}

fn lead_form() -> LeadForm {
    LeadForm { next_action: SECRET.to_owned(), notes: SECRET.to_owned(), ..LeadForm::default() }
}

fn order_form() -> OrderForm {
    let item = ItemForm { name: format!("{SECRET} lamp"), price: "1".to_owned(), ..ItemForm::default() };
    OrderForm {
        number: format!("{SECRET}-1"),
        customer_phone: PHONE.to_owned(),
        currency: "USD".to_owned(),
        items: vec![item],
        ..OrderForm::default()
    }
}

fn key_form() -> ApiKeyForm {
    ApiKeyForm { name: format!("{SECRET} key"), scopes: vec![Scope::Read], ..ApiKeyForm::default() }
}

fn endpoint_form() -> EndpointForm {
    EndpointForm { url: format!("http://localhost:9/{SECRET}"), description: SECRET.to_owned(), ..EndpointForm::default() }
}

fn gateway_form() -> GatewayForm {
    let key = || format!("{SECRET}-key");
    GatewayForm {
        name: format!("{SECRET} line"),
        kind: ProviderKind::Vapi,
        sandbox: false,
        secret: key(),
        ..GatewayForm::default()
    }
}

fn agent_form() -> AgentForm {
    let text = |what: &str| format!("{SECRET} {what}");
    AgentForm {
        name: text("Nora"),
        role: text("reminders"),
        persona: text("persona"),
        tone: "warm".to_owned(),
        language: "en-US".to_owned(),
        voice: String::new(),
        scripts: Scripts { greeting: text("hello"), main: text("talk"), voicemail: text("message"), closing: text("bye") },
        voice_gateway: None,
        voice_id: String::new(),
    }
}

fn campaign_form(agent: Option<AgentId>) -> CampaignForm {
    CampaignForm { name: format!("{SECRET} campaign"), audience: Some(Audience::Everyone), agent, ..CampaignForm::default() }
}

#[tokio::test]
async fn the_table_names_every_server_function() {
    let _registers_them = Site::new().await;
    let known: BTreeSet<String> =
        CASES.iter().map(|case| format!("/fn/app/{}", case.0)).chain(OPEN.iter().map(|p| (*p).to_owned())).collect();
    let real: BTreeSet<String> = server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    let missing: Vec<_> = real.difference(&known).collect();
    let gone: Vec<_> = known.difference(&real).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:#?}\nno longer there: {gone:#?}");
}

#[tokio::test]
async fn nobody_gets_anything_from_a_server_function() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    for case in CASES {
        let answer = things.ask(&site, &Browser::default(), case).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}: {}", case.0, answer.text());
    }
}

/// What somebody reaches whom their company does not let in yet: setting up a second factor, and going elsewhere.
pub const BARRED: &[&str] = &["auth/two_factor/load_two_factor", "auth/two_factor/turn_on_two_factor", "session/switch_company"];

#[tokio::test]
async fn who_is_not_let_in_yet_reaches_the_way_in_and_nothing_else() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    site.world.require_second_factor(things.company).await;
    for case in CASES {
        let answer = things.ask(&site, &acme, case).await;
        let let_in = answer.status != StatusCode::UNAUTHORIZED;
        assert_eq!(let_in, BARRED.contains(&case.0), "{}: {} {}", case.0, answer.status, answer.text());
    }
    for path in ["/live", "/imports/upload?kind=contacts&name=a.csv"] {
        let method = if path == "/live" { http::Method::GET } else { http::Method::POST };
        let request = acme.request(method, path).body("name,phone\n".into()).expect("a request");
        assert_eq!(site.send(request).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn another_company_learns_and_changes_nothing() {
    let site = Site::new().await;
    let (acme, other) = (site.newcomer("acme").await, site.newcomer("other").await);
    let things = Things::make(&site, &acme).await;
    for case in CASES {
        let answer = things.ask(&site, &other, case).await;
        let text = answer.text();
        match case.2 {
            Nothing => assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}: {text}", case.0),
            Own => assert!(
                answer.status != StatusCode::UNAUTHORIZED && !answer.status.is_server_error(),
                "{}: {} {text}",
                case.0,
                answer.status
            ),
        }
        assert!(!text.contains(SECRET) && !text.contains(&PHONE[1..]), "{} told another company: {text}", case.0);
    }
    // Everything is still there, and tells its owner what it hid.
    for case in CASES.iter().filter(|case| case.0.contains("/load_") && case.1.contains('{')) {
        let answer = things.ask(&site, &acme, case).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {}", case.0, answer.text());
        assert!(answer.text().contains(SECRET), "{}: {}", case.0, answer.text());
    }
}

#[tokio::test]
async fn a_viewer_sees_what_the_table_says_and_changes_nothing() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    let viewer = site.viewer(&acme).await;
    let mut surprises = String::new();
    for case in CASES {
        let answer = things.ask(&site, &viewer, case).await;
        let text = answer.text();
        if case.3 == (answer.status == StatusCode::FORBIDDEN) {
            surprises.push_str(&format!("{}: {} {text}\n", case.0, answer.status));
        }
        if text.contains(&PHONE[1..]) {
            surprises.push_str(&format!("{} showed a full number: {text}\n", case.0));
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn an_operator_reaches_nothing_of_a_campaign_that_is_not_theirs() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    let someone = site.company(&acme).await;
    let operator = site.world.member(&someone, Role::Operator).await;
    let browser = Browser { cookie: Some(format!("sid={}", site.world.session(&operator).await)) };
    let of_a_campaign = |case: &&Case| ["{campaign}", "{call}", "{enrollment}"].iter().any(|thing| case.1.contains(thing));
    let lists = ["campaigns/list/list_campaigns", "calls/list/list_calls", "dashboard/load_dashboard"];
    let mut asked = 0;
    for case in CASES.iter().filter(|case| of_a_campaign(case) || lists.contains(&case.0)) {
        let answer = things.ask(&site, &browser, case).await;
        let text = answer.text();
        if case.2 == Nothing && of_a_campaign(&case) {
            assert!(
                matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN),
                "{}: {} {text}",
                case.0,
                answer.status
            );
        }
        assert!(!text.contains(SECRET) && !text.contains(&PHONE[1..]), "{} told an operator: {text}", case.0);
        asked += 1;
    }
    assert!(asked > 15, "the table lost its campaigns");
    // Given to them, it is theirs.
    team::access::assign(&site.world.db, &someone.actor, operator_id(&site, &browser).await, &[things.campaign])
        .await
        .expect("assigned");
    for path in ["campaigns/detail/load_campaign", "calls/detail/load_call", "campaigns/why/explain_enrollment"] {
        let case = CASES.iter().find(|case| case.0 == path).expect("in the table");
        let answer = things.ask(&site, &browser, case).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    }
}

async fn operator_id(site: &Site, who: &Browser) -> UserId {
    accounts::resolve(&site.world.db, who.token()).await.expect("database").expect("a session").user
}
