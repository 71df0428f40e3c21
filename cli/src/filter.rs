//! Which letters, in words: `reason=overloaded type=user.created after=24h`, or the address of the
//! console's page that shows them.

use clap::Args;
use shared::operators::api::letters::LetterFilter;
use shared::time::UnixMillis;
use url::Url;

use crate::failure::Failure;
use crate::text::parse_time;

/// What a wrong filter is told.
const NEXT: &str = "Write for example reason=overloaded type=user.created subject=user_1 after=24h \
                    before=2026-01-31 id=ID id=ID, or the address of the console's page.";

/// The choice of letters.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Each narrows the choice: reason=…, type=…, subject=…, after=…, before=…, id=… (again for
    /// several) or the address of the console's page. Times are of the first failure: 2026-01-31,
    /// 2026-01-31T03:00Z, or 24h for that long ago.
    #[arg(value_name = "FILTER")]
    words: Vec<String>,
    /// Every letter; without it an empty filter changes nothing.
    #[arg(long, conflicts_with = "words")]
    all: bool,
}

impl FilterArgs {
    /// The filter of a list: empty for every letter.
    ///
    /// # Errors
    /// When a word is none of a filter.
    pub(crate) fn of_list(&self, now: UnixMillis) -> Result<LetterFilter, Failure> {
        let mut filter = LetterFilter { all: self.all, ..LetterFilter::default() };
        for word in &self.words {
            if word.starts_with("https://") || word.starts_with("http://") {
                set_from_page(&mut filter, word, now)?;
                continue;
            }
            let Some((key, value)) = word.split_once('=') else {
                return Err(Failure::usage(format!("`{word}` is not a filter"), NEXT));
            };
            set(&mut filter, key, value, now)?;
        }
        Ok(filter)
    }

    /// The filter of a change: never empty, unless `--all` is said.
    ///
    /// # Errors
    /// As [`Self::of_list`], and when it is empty.
    pub(crate) fn of_change(&self, now: UnixMillis) -> Result<LetterFilter, Failure> {
        let filter = self.of_list(now)?;
        if filter == LetterFilter::default() {
            let next = format!("{NEXT} For every letter say --all.");
            return Err(Failure::usage("which letters? An empty filter changes nothing", next));
        }
        Ok(filter)
    }
}

fn set_from_page(filter: &mut LetterFilter, word: &str, now: UnixMillis) -> Result<(), Failure> {
    let page =
        Url::parse(word).map_err(|error| Failure::usage(format!("`{word}`: {error}"), NEXT))?;
    for (key, value) in page.query_pairs() {
        // Where the reader stands on the page; only parked letters are ever chosen.
        if !matches!((&*key, &*value), ("cursor" | "limit", _) | ("state", "parked")) {
            set(filter, &key, &value, now)?;
        }
    }
    Ok(())
}

fn set(filter: &mut LetterFilter, key: &str, value: &str, now: UnixMillis) -> Result<(), Failure> {
    let time = || {
        let found = parse_time(value, |ago| now.0.saturating_sub(ago));
        found.ok_or_else(|| Failure::usage(format!("`{value}` is not a time"), NEXT))
    };
    let text = Some(value.to_owned());
    match key {
        "reason" => filter.reason = text,
        "type" => filter.event_type = text,
        "subject" => filter.subject = text,
        "after" => filter.after = Some(time()?),
        "before" => filter.before = Some(time()?),
        "id" if !value.is_empty() => filter.ids.push(value.to_owned()),
        "all" if value == "1" => filter.all = true,
        _ => return Err(Failure::usage(format!("a filter has no `{key}={value}`"), NEXT)),
    }
    Ok(())
}

/// The filter as the query of a request.
pub(crate) fn query(filter: &LetterFilter) -> Vec<(&'static str, String)> {
    let LetterFilter { ids, reason, event_type, subject, after, before, all } = filter;
    let pairs = [
        ("reason", reason.clone()),
        ("type", event_type.clone()),
        ("subject", subject.clone()),
        ("after", after.map(|at| at.0.to_string())),
        ("before", before.map(|at| at.0.to_string())),
        ("all", all.then(|| "1".to_owned())),
    ];
    let ids = ids.iter().map(|id| ("id", id.clone()));
    ids.chain(pairs.into_iter().filter_map(|(key, value)| Some((key, value?)))).collect()
}

/// The filter in words, as it is given on the command line.
pub(crate) fn in_words(filter: &LetterFilter) -> String {
    if filter.all || *filter == LetterFilter::default() {
        return "every letter".to_owned();
    }
    let words: Vec<_> = query(filter).iter().map(|(key, value)| format!("{key}={value}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use shared::operators::api::letters::LetterFilter;
    use shared::operators::query::{FILTER_MEMBERS, QueryMembers};
    use shared::time::UnixMillis;
    use url::form_urlencoded::Serializer;

    use super::{FilterArgs, in_words, query};

    const NOW: UnixMillis = UnixMillis(100_000_000);

    fn parsed(words: &[&str], all: bool) -> Option<LetterFilter> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        FilterArgs { words, all }.of_change(NOW).ok()
    }

    #[test]
    fn words_and_the_address_of_a_page_are_the_same_filter() {
        let words = ["reason=overloaded", "type=", "subject=user_1", "after=1h", "id=a", "id=b"];
        let filter = parsed(&words, false).unwrap();
        let want = LetterFilter {
            ids: vec!["a".into(), "b".into()],
            reason: Some("overloaded".into()),
            event_type: Some(String::new()),
            subject: Some("user_1".into()),
            after: Some(UnixMillis(96_400_000)),
            before: None,
            all: false,
        };
        assert_eq!(filter, want);
        let page = "https://c.example/dead-letters?reason=overloaded&type=&subject=user_1\
                    &after=96400000&id=a&id=b&limit=5&state=parked";
        assert_eq!(parsed(&[page], false), Some(want.clone()));
        let shown = "id=a id=b reason=overloaded type= subject=user_1 after=96400000";
        assert_eq!(in_words(&want), shown);
        let members =
            query(&want).into_iter().fold(Serializer::new(String::new()), |mut it, pair| {
                it.append_pair(pair.0, &pair.1);
                it
            });
        let parsed = QueryMembers::parse(&{ members }.finish(), &FILTER_MEMBERS).unwrap();
        assert_eq!(parsed.filter(), Ok(want), "the console reads another filter");
    }

    #[test]
    fn an_empty_filter_changes_nothing() {
        assert_eq!(parsed(&[], false), None);
        assert_eq!(parsed(&["https://c.example/dead-letters"], false), None);
        assert!(parsed(&[], true).unwrap().all);
        for wrong in ["overloaded", "colour=red", "after=soon", "=1", "id=", "ids=a,b", "all=0"] {
            assert_eq!(parsed(&[wrong], false), None, "{wrong}");
        }
    }
}
