//! From what a step asks to the question that stores are asked.

use checkpoint_core::{
    AttachmentQuery, Backend, Filter, Order, Parts, Position, Query, SessionQuery, Timestamp,
};

use super::answer::Question;
use super::resolve::{checkpoint, chunk, moved, session, status, trigger};
use super::step::{Ask, Ck, Cp, Scan, Told, Want};
use crate::samples;

const PREFIXES: &[&str] = &["", "r", "r0", "r0/", "R", "%", "r0/a ", "x"];

impl Told {
    const fn parts(self) -> Parts {
        match self {
            Self::Header => Parts::HEADER,
            Self::Meta => Parts::META,
            Self::All => Parts::ALL,
        }
    }
}

/// A sequence, in parts of 255 of one more than the newest.
fn sequence(part: u8, newest: Position) -> u64 {
    let (part, newest) = (u128::from(part), u128::from(newest.sequence) + 1);
    u64::try_from(part * newest / 255).unwrap_or(u64::MAX)
}

const fn order(ascending: bool) -> Order {
    if ascending {
        Order::Ascending
    } else {
        Order::Descending
    }
}

impl Ask {
    /// The question, put to a store of which `newest` is the newest position.
    pub(super) fn question(
        &self,
        store: &dyn Backend,
        now: Timestamp,
        newest: Position,
    ) -> Question {
        match self {
            Self::Get(ids, told) => {
                Question::Get(ids.iter().map(|cp| checkpoint(*cp)).collect(), told.parts())
            }
            Self::Scan(scan) => Question::Scan(Box::new(scan.query(now, newest))),
            Self::Sessions(id, descending, limit) => Question::Sessions(SessionQuery {
                id: id.map(session),
                order: order(!descending),
                limit: *limit,
                after: None,
            }),
            Self::Attachments(of, key, content, limit) => Question::Attachments(AttachmentQuery {
                checkpoints: of.iter().map(|cp| checkpoint(*cp)).collect(),
                kind: key.map(|key| key.parts().0.to_owned()),
                key: key
                    .filter(|key| key.0 % 2 == 0)
                    .map(|key| key.parts().1.to_owned()),
                content: *content,
                limit: *limit,
                after: None,
            }),
            Self::Chunks(ids) => Question::Chunks(ids.iter().map(|ck| chunk(*ck)).collect()),
            Self::ChunkList(after, limit) => Question::ChunkList(after.map(chunk), *limit),
            Self::Records(n) => {
                Question::Records(PREFIXES[usize::from(*n) % PREFIXES.len()].to_owned())
            }
            Self::Feed(part, n, limit) => {
                let position = Position {
                    sequence: sequence(*part, newest),
                    n: u64::from(*n),
                };
                Question::Feed(position, *limit)
            }
            Self::Stats => Question::Stats,
            Self::TooLong(which) => too_long(*which, store),
        }
    }
}

fn too_long(which: u8, store: &dyn Backend) -> Question {
    let limit = usize::try_from(store.info().limits.page + 1).unwrap_or(usize::MAX);
    match which {
        0 => Question::Scan(Box::new(Query {
            limit,
            ..Query::default()
        })),
        1 => Question::Sessions(SessionQuery {
            limit,
            ..SessionQuery::default()
        }),
        2 => Question::Attachments(AttachmentQuery {
            limit,
            ..AttachmentQuery::default()
        }),
        3 => Question::ChunkList(None, limit),
        _ => Question::Feed(Position::START, limit),
    }
}

impl Scan {
    fn query(&self, now: Timestamp, newest: Position) -> Query {
        let mut query = Query {
            session: self.session.map(session),
            order: order(self.ascending),
            parts: self.parts.parts(),
            limit: self.limit,
            filter: filter(&self.wants, now),
            ..Query::default()
        };
        if let Some((from, to)) = self.range {
            query.sequences = sequence(from, newest)..=sequence(to, newest);
        }
        query
    }
}

fn filter(wants: &[Want], now: Timestamp) -> Filter {
    let mut filter = Filter::default();
    for want in wants {
        match *want {
            Want::AnyTag(word) => filter.any_tag.push(samples::tag(word.name())),
            Want::AllTags(word) => filter.all_tags.push(samples::tag(word.name())),
            Want::Status(n) => filter.statuses.push(status(n)),
            Want::Trigger(n) => filter.triggers.push(trigger(n)),
            Want::Worker(word) => filter.worker = Some(samples::worker(word.name())),
            Want::Parent(cp) => filter.parent = Some(checkpoint(cp)),
            Want::Enclosing(cp) => filter.enclosing = Some(checkpoint(cp)),
            Want::Pinned(pinned) => filter.pinned = Some(pinned),
            Want::From(seconds) => filter.committed_from = Some(moved(now, seconds.into())),
            Want::Until(seconds) => filter.committed_until = Some(moved(now, seconds.into())),
            Want::Updated(n) => filter.updated_until = Some(samples::time(n.into())),
            Want::IdStart(cp, length) => {
                let length = usize::from(length);
                filter.id_start = Some(cp.name().chars().take(length).collect());
            }
            Want::Aside => filter.quarantined = true,
        }
    }
    filter
}

/// Everything that can be read, in pages of `limit`.
pub(super) fn everything(limit: usize) -> Vec<Question> {
    let ids: Vec<_> = (0..).take(Cp::COUNT).map(|n| checkpoint(Cp(n))).collect();
    let chunks: Vec<_> = (0..).take(Ck::COUNT).map(|n| chunk(Ck(n))).collect();
    let aside = Filter {
        quarantined: true,
        ..Filter::default()
    };
    // As many as there are under one start: an index of ids must show them all.
    let named_alike = Filter {
        id_start: Some("c".to_owned()),
        ..Filter::default()
    };
    vec![
        Question::Position,
        Question::Flush,
        Question::Stats,
        Question::Sessions(SessionQuery {
            limit,
            ..SessionQuery::default()
        }),
        Question::Scan(Box::new(Query {
            filter: aside,
            parts: Parts::ALL,
            limit,
            ..Query::default()
        })),
        Question::Scan(Box::new(Query {
            filter: named_alike,
            limit,
            ..Query::default()
        })),
        Question::Get(ids.clone(), Parts::ALL),
        Question::Attachments(AttachmentQuery {
            checkpoints: ids,
            limit,
            ..AttachmentQuery::default()
        }),
        Question::Records(String::new()),
        Question::Records("%".to_owned()),
        Question::ChunkList(None, limit),
        Question::Chunks(chunks.clone()),
        Question::Present(chunks),
        Question::Feed(Position::START, limit),
    ]
}
