//! The templates that ship with Belfry. They are data: `templates.json`, read once, proven by the tests below.

use model::agents::{AgentForm, Template};
use model::companies::CompanyType;
use model::id::TemplateId;
use uuid::Uuid;

/// Template ids are this with the number of the file in the last bytes: fixed for ever, so that seeding twice
/// changes nothing and links to a template stay good.
const FAMILY: u128 = 0x0191_0000_0000_7000_8000_0000_0000_0000;

#[derive(serde::Deserialize)]
struct Written {
    id: u16,
    company_type: CompanyType,
    summary: String,
    form: AgentForm,
}

/// In the order in which they are offered.
pub(super) fn all() -> Vec<Template> {
    let written: Vec<Written> = serde_json::from_str(include_str!("templates.json")).expect("a test reads this file");
    written
        .into_iter()
        .map(|w| Template {
            id: TemplateId::from(Uuid::from_u128(FAMILY | u128::from(w.id))),
            company_type: w.company_type,
            summary: w.summary,
            form: w.form,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::agents::{VARIABLES, fill};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_company_type_has_at_least_three_templates_and_ids_are_unique() {
        let mut by_type = BTreeMap::new();
        for template in all() {
            *by_type.entry(template.company_type).or_insert(0) += 1;
        }
        assert!(CompanyType::ALL.iter().all(|t| by_type.get(t).is_some_and(|n| *n >= 3)), "{by_type:?}");
        let ids: BTreeSet<_> = all().iter().map(|t| t.id).collect();
        assert_eq!(ids.len(), all().len());
        assert!(all().iter().map(|t| t.form.language.clone()).collect::<BTreeSet<_>>().len() >= 2);
    }

    #[test]
    fn every_template_is_a_lawful_agent_that_names_itself_its_company_and_the_way_out() {
        for Template { form, summary, .. } in all() {
            form.check().expect("lawful");
            assert!(!summary.is_empty() && !form.persona.is_empty() && !form.voice.is_empty(), "{}", form.name);
            let scripts = &form.scripts;
            let asked = std::cell::RefCell::new(BTreeSet::new());
            for script in [&scripts.greeting, &scripts.main, &scripts.voicemail, &scripts.closing] {
                assert!(!script.is_empty(), "{}", form.name);
                fill(script, |variable| {
                    asked.borrow_mut().insert(variable.to_owned());
                    None
                });
            }
            let known: BTreeSet<String> = VARIABLES.iter().map(|(v, _)| (*v).to_owned()).collect();
            assert_eq!(asked.into_inner(), known, "{}", form.name);
            assert!(scripts.main.contains('9'), "{} offers no opt-out", form.name);
        }
    }
}
