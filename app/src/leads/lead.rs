//! One lead: where it stands, what it is worth and why, who looks after it, and what comes next.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::id::{ContactId, LeadId, UserId};
use model::leads::{Grade, Lead, LeadForm, LeadRow, LeadStatus, POINTS_MAX, Part, Score};

use super::{LIST, ONE, tone};
use crate::contacts::detail::OpenContact;
use crate::form::{FormProblem, hidden, typed, typed_or};
use crate::plain::{PlainPage, answered, away, problem_of};
use crate::prelude::*;
use crate::screen::{When, link, may, phone, word};
use crate::ui::{Badge, Button, Card, Crumb, Fact, Facts, Field, Input, Note, Opt, Select, Textarea, Tone, Variant, some};
use crate::wire::{Answer, Change, ChangeForm};

/// What the form shows itself.
const SHOWN: &[&str] = &[
    "name",
    "phone",
    "email",
    "next_action",
    "follow_up_on",
    "notes",
    "score.intent",
    "score.urgency",
    "score.budget",
    "score.fit",
    "score.engagement",
];

/// One lead, and who may look after it.
#[server(protocol = crate::wire::Wire)]
pub async fn load_lead(id: LeadId) -> Result<(Lead, Vec<(UserId, String)>), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let lead = services::leads::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok((lead, services::leads::owners(&db()?, &caller()?.actor).await?))
}

/// Makes the lead of a contact, or of whoever has the number.
#[server(protocol = crate::wire::Wire)]
pub async fn create_lead(#[server(default)] contact: Option<ContactId>, form: LeadForm) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let id = services::leads::create(&mut tx, contact, &form).await.inspect_err(|_| keep_form(&form))?;
    tx.commit().await?;
    redirect(&address(id));
    Ok(())
}

/// Says anew what is known of a lead.
#[server(protocol = crate::wire::Wire)]
pub async fn save_lead(id: LeadId, form: LeadForm) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::leads::edit(&mut tx, id, &form).await.inspect_err(|_| keep_form(&form))?;
    tx.commit().await?;
    redirect(&address(id));
    Ok(())
}

/// Gives a lead to a member; without one, to nobody.
#[server(protocol = crate::wire::Wire)]
pub async fn assign_lead(id: LeadId, owner: String) -> Result<(), Error> {
    use crate::ssr::*;
    let unknown = |_| Error::field("owner", "Choose somebody of the list.");
    let owner = if owner.is_empty() { None } else { Some(owner.parse::<UserId>().map_err(unknown)?) };
    services::leads::assign(&db()?, &caller()?.actor, id, owner).await?;
    redirect(&address(id));
    Ok(())
}

/// Takes a lead out of the lists.
#[server(protocol = crate::wire::Wire)]
pub async fn archive_lead(id: LeadId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::leads::archive(&mut tx, id).await?;
    tx.commit().await?;
    redirect(LIST);
    Ok(())
}

fn address(id: LeadId) -> String {
    link(ONE, &[("id", &id.to_string())])
}

/// Lets the form that is drawn again show what was typed.
fn keep_form(form: &LeadForm) {
    let mut all = vec![
        ("form[name]".to_owned(), form.name.as_str()),
        ("form[phone]".to_owned(), &form.phone),
        ("form[email]".to_owned(), &form.email),
        ("form[status]".to_owned(), form.status.map_or("", LeadStatus::as_str)),
        ("form[next_action]".to_owned(), &form.next_action),
        ("form[follow_up_on]".to_owned(), &form.follow_up_on),
        ("form[notes]".to_owned(), &form.notes),
    ];
    for (part, grade) in Part::ALL.iter().zip(form.score.parts()) {
        all.push((grade_name(*part, "points"), &grade.points));
        all.push((grade_name(*part, "reason"), &grade.reason));
    }
    let all: Vec<_> = all.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    crate::ssr::keep_typed(&all);
}

fn grade_name(part: Part, field: &str) -> String {
    format!("form[score][{part}][{field}]")
}

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Leads", LIST)]
}

/// `/leads/lead`, `/leads/lead?contact=…` and `/leads/lead?id=…`
#[component]
pub fn LeadPage() -> impl IntoView {
    let query = use_query_map();
    let has = |name: &'static str| query.with_untracked(|query| query.get_str(name).is_some());
    let manage = may(Permission::ManageContacts).get_untracked();
    if has("id") {
        return match query.with_untracked(|query| word::<LeadId>(query, "id")) {
            Some(id) => known(id, manage),
            None => away("Lead", crumbs(), &Error::not_found("lead")),
        };
    }
    if !manage {
        return away("New lead", crumbs(), &Error::Forbidden { permission: Permission::ManageContacts.to_string() });
    }
    let create = Change::new::<CreateLead>();
    if !has("contact") {
        return view! { <PlainPage title="New lead" crumbs=crumbs()>{person(create)}{fields(None, None, create)}</PlainPage> };
    }
    match query.with_untracked(|query| word::<ContactId>(query, "contact")) {
        Some(id) => {
            let answer = Answer::blocking(move || OpenContact { id });
            answered(answer, "New lead", crumbs(), move |contact| {
                let name = contact.row.name;
                view! { <PlainPage title=format!("New lead: {name}") crumbs=crumbs()>{fields(None, Some(id), create)}</PlainPage> }
            })
        }
        None => away("New lead", crumbs(), &Error::not_found("contact")),
    }
}

fn known(id: LeadId, manage: bool) -> AnyView {
    let answer = Answer::blocking(move || LoadLead { id });
    let (save, archive, assign) = (Change::new::<SaveLead>(), Change::new::<ArchiveLead>(), Change::new::<AssignLead>());
    answered(answer, "Lead", crumbs(), move |(lead, owners)| {
        let row = &lead.row;
        let (status, archived, may_change) = (row.status, row.archived, manage && !row.archived);
        let beside = move || {
            view! {
                <Badge label=status.label() tone=tone(status)/>
                {archived.then(|| view! { <Badge label="Archived"/> })}
            }
        };
        let title = row.name.clone();
        let gone =
            archived.then(|| view! { <Note tone=Tone::Info>"It is in no list. The contact may have another lead."</Note> });
        let (about, scored) = (about(lead.clone()), scored(&lead.score));
        let body = match may_change {
            true => view! {
                {owner(row, owners, assign)}
                {fields(Some(&lead), None, save)}
                <ChangeForm change=archive>
                    {hidden("id", id)}
                    <Button submit=true variant=Variant::Outline>"Archive lead"</Button>
                </ChangeForm>
                <FormProblem error=archive.error() fields=&[]/>
            },
            false => view! { {scored} },
        };
        view! {
            <PlainPage title=title crumbs=crumbs() beside=beside>
                {gone}
                {about}
                {body}
            </PlainPage>
        }
    })
}

fn about(lead: Lead) -> AnyView {
    let row = lead.row;
    let owner = row.owner.map_or_else(|| "Nobody".to_owned(), |(_, name)| name);
    let (contact, phone, score) = (format!("/contacts/{}", row.contact), phone(&row.phone), format!("{} of 100", row.score));
    let is_due = row.is_due;
    let day = row.follow_up_on.map(|day| match is_due {
        true => view! { <Fact label="Follow up"><Badge label=format!("Due {day}") tone=Tone::Warning/></Fact> },
        false => view! { <Fact label="Follow up"><span class="tabular-nums">{day.to_string()}</span></Fact> },
    });
    let fact = |label: &'static str, text: String| {
        some(text).map(|text| view! { <Fact label=label><span class="wrap-anywhere">{text}</span></Fact> })
    };
    let (next, notes) = (fact("Next", row.next_action), fact("Notes", lead.notes));
    let call = lead.call.map(|call| {
        view! { <Fact label="Came of"><a class="link" href=format!("/calls/{call}") rel="external">"A call"</a></Fact> }
    });
    view! {
        <Card>
            <Facts>
                <Fact label="Contact"><a class="link" href=contact rel="external">{row.name}</a></Fact>
                <Fact label="Phone"><span class="tabular-nums">{phone}</span></Fact>
                <Fact label="Score"><span class="tabular-nums">{score}</span></Fact>
                <Fact label="Owner">{owner}</Fact>
                {next}
                {day}
                {notes}
                {call}
                <Fact label="Changed"><When moment=row.updated_at/></Fact>
            </Facts>
        </Card>
    }
}

/// For who may only look.
fn scored(score: &Score) -> AnyView {
    let lines = Part::ALL
        .iter()
        .zip(&score.0)
        .map(|(part, grade)| {
            let text = format!("{} of {POINTS_MAX}. {}", grade.points, grade.reason);
            view! { <Fact label=part.label()><span class="wrap-anywhere">{text}</span></Fact> }
        })
        .collect_view();
    view! { <Card title="Score"><Facts>{lines}</Facts></Card> }
}

fn owner(row: &LeadRow, owners: Vec<(UserId, String)>, change: Change) -> AnyView {
    let mut options = vec![Opt::new("", "Nobody")];
    options.extend(owners.into_iter().map(|(id, name)| Opt::new(id.to_string(), name)));
    let now = row.owner.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
    let id = hidden("id", row.id);
    view! {
        <Card title="Owner">
            <ChangeForm change=change attr:class="flex flex-wrap items-end gap-3">
                {id}
                <Field label="Who looks after it" name="owner" error=problem_of(change.error(), "owner")>
                    <Select options=options value=now/>
                </Field>
                <Button submit=true variant=Variant::Outline>"Assign"</Button>
            </ChangeForm>
            <FormProblem error=change.error() fields=&["owner"]/>
        </Card>
    }
}

/// Whose lead it is, where they may be new. Its fields belong to the form below.
fn person(change: Change) -> AnyView {
    let error = change.error();
    view! {
        <Card title="Person" scope="Found by the phone number. Who is known keeps the name they have.">
            <div class="grid gap-4 sm:grid-cols-3">
                <Field label="Phone" name="form[phone]" error=problem_of(error, "phone")>
                    <Input kind="tel" value=typed("form[phone]") autocomplete="off" attr:form=FORM/>
                </Field>
                <Field label="Name" name="form[name]" optional=true error=problem_of(error, "name")>
                    <Input value=typed("form[name]") autocomplete="off" attr:form=FORM/>
                </Field>
                <Field label="E-mail" name="form[email]" optional=true error=problem_of(error, "email")>
                    <Input kind="email" value=typed("form[email]") autocomplete="off" attr:form=FORM/>
                </Field>
            </div>
        </Card>
    }
}

/// The id of the form.
const FORM: &str = "lead";

fn fields(lead: Option<&Lead>, contact: Option<ContactId>, change: Change) -> AnyView {
    let error = change.error();
    let statuses: Vec<_> = LeadStatus::ALL.iter().map(|status| Opt::new(status.as_str(), status.label())).collect();
    let status = typed_or("form[status]", lead.map_or(LeadStatus::New, |lead| lead.row.status).as_str());
    let next = typed_or("form[next_action]", lead.map(|lead| lead.row.next_action.clone()).unwrap_or_default());
    let day = lead.and_then(|lead| lead.row.follow_up_on).map(|day| day.to_string());
    let day = typed_or("form[follow_up_on]", day.unwrap_or_default());
    let notes = typed_or("form[notes]", lead.map(|lead| lead.notes.clone()).unwrap_or_default());
    let score = lead.map(|lead| lead.score.0.each_ref());
    let parts = Part::ALL.iter().enumerate().map(|(n, part)| grade(*part, score.map(|score| score[n]), error)).collect_view();
    let about = lead.map(|lead| hidden("id", lead.row.id)).or_else(|| contact.map(|id| hidden("contact", id)));
    view! {
        <ChangeForm change=change attr:id=FORM attr:class="flex flex-col gap-6" attr:novalidate=true>
            {about}
            <Card title="Standing">
                <div class="grid gap-4 sm:grid-cols-2">
                    <Field label="Status" name="form[status]"><Select options=statuses value=status/></Field>
                    <Field label="Follow up" name="form[follow_up_on]" optional=true error=problem_of(error, "follow_up_on")>
                        <Input kind="date" value=day/>
                    </Field>
                    <Field label="Next action" name="form[next_action]" optional=true error=problem_of(error, "next_action")>
                        <Input value=next maxlength=200 autocomplete="off"/>
                    </Field>
                </div>
            </Card>
            <Card title="Score" scope="Five parts of up to 20 points. A call raises them and never lowers them.">
                <ul class="flex flex-col gap-4">{parts}</ul>
            </Card>
            <Card title="Notes">
                <Field label="Notes" name="form[notes]" optional=true error=problem_of(error, "notes")>
                    <Textarea rows=4 value=notes maxlength=2000/>
                </Field>
            </Card>
            <FormProblem error=error fields=SHOWN/>
            <div><Button submit=true>"Save lead"</Button></div>
        </ChangeForm>
    }
}

fn grade(part: Part, now: Option<&Grade>, error: Signal<Option<Error>>) -> AnyView {
    let (points, reason) = (grade_name(part, "points"), grade_name(part, "reason"));
    let (worth, why) = now.map_or_else(Default::default, |grade| (grade.points.to_string(), grade.reason.clone()));
    let (worth, why) = (typed_or(&points, worth), typed_or(&reason, why));
    view! {
        <li class="grid gap-3 sm:grid-cols-[8rem_1fr]">
            <Field label=part.label() name=points error=problem_of(error, format!("score.{part}"))>
                <Input kind="number" min="0" max=POINTS_MAX.to_string() value=worth/>
            </Field>
            <Field label=format!("Why ({})", part.label().to_lowercase()) name=reason optional=true>
                <Input value=why maxlength=200 autocomplete="off"/>
            </Field>
        </li>
    }
}
