//! Words with numbers: what a checkpoint is, what made it, how durable it is; and the macro that makes them.
//!
//! The number stands in every format and the name in every text; neither ever changes.

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number that stands for it in every format.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// The value that a number stands for, none when it is unknown.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name that stands for it in text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value with this name.
            ///
            /// # Errors
            ///
            /// `Invalid` when there is none; the message lists the names.
            pub fn from_name(name: &str) -> $crate::Result<Self> {
                match name {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::Error::invalid(concat!("unknown name; known are", $(" ", $text),+))
                        .with("value", format_args!("{name:?}"))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use numbered;

numbered!(
    /// How far the work that a checkpoint stands for has come.
    Status {
        /// Made; nothing is said about the work.
        Created = 1, "created";
        /// The work goes on from here.
        Active = 2, "active";
        /// The work is done.
        Completed = 3, "completed";
        /// The work failed.
        Failed = 4, "failed";
        /// The work was taken up again from here.
        Restored = 5, "restored";
    }
);

numbered!(
    /// What made a program save.
    Trigger {
        /// Somebody asked for it.
        Manual = 1, "manual";
        /// A timer.
        Scheduled = 2, "scheduled";
        /// By itself: the status of a hypothesis changed.
        HypothesisStatusChange = 16, "hypothesis_status_change";
        /// By itself: a new contradiction was found.
        NewContradictionDetected = 17, "new_contradiction_detected";
        /// By itself: a verification was completed.
        VerificationComplete = 18, "verification_complete";
        /// By itself: the branch was switched.
        BranchSwitch = 19, "branch_switch";
        /// By itself: a gap was filled.
        GapFilled = 20, "gap_filled";
        /// By itself: code was modified.
        CodeModified = 21, "code_modified";
        /// By itself: much time has passed.
        SignificantTimePassed = 22, "significant_time_passed";
        /// By itself: the context is about to be compacted.
        ContextCompactionWarning = 23, "context_compaction_warning";
        /// By itself: an error.
        Error = 24, "error";
        /// By itself: a tool is called.
        ToolCall = 25, "tool_call";
        /// By itself, for a reason of the user's own, kept with the description.
        Custom = 127, "custom";
    }
);

numbered!(
    /// How durable a commit is once it returns; later ones include the earlier.
    Durability {
        /// Gone with the process.
        Memory = 1, "memory";
        /// Survives the process, not a power cut.
        Os = 2, "os";
        /// On disk: written and synced.
        Disk = 3, "disk";
        /// Acknowledged by a remote service.
        Remote = 4, "remote";
    }
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::feed::ChangeKind;

    macro_rules! is_told_by_number_and_name {
        ($($type:ident),+) => {
            $(
                let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
                for value in $type::ALL {
                    assert_eq!($type::from_number(value.number()), Some(*value));
                    assert_eq!($type::from_name(value.name()).unwrap(), *value);
                    assert_eq!(value.to_string(), value.name());
                    assert!(numbers.insert(value.number()) && names.insert(value.name()), "{value}");
                }
                assert_eq!($type::from_number(0), None);
                let error = $type::from_name("Created ").unwrap_err().to_string();
                assert!(names.iter().all(|name| error.contains(name)), "{error}");
            )+
        };
    }

    #[test]
    fn each_value_has_a_number_and_a_name_of_its_own() {
        is_told_by_number_and_name!(Status, Trigger, Durability, ChangeKind);
    }
}
