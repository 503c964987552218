//! The contract of a [`Backend`](checkpoint_core::Backend) as cases, to be run against any that there is.

mod case;
mod cases;
mod context;
mod harness;
mod read;
mod report;
pub mod samples;

pub use case::{Case, Clause, Failure, Verdict};
pub use context::Context;
pub use harness::{Damage, Fixture, Harness};
pub use report::{CASE_TIMEOUT, Line, Outcome, Report, matching, run};

macro_rules! list {
    ($($clause:ident in $module:ident { $($name:ident)+ })+) => {
        /// Every case, in the order of the clauses. This is the one list.
        #[must_use]
        pub fn cases() -> Vec<Case> {
            vec![$($(Case {
                name: stringify!($name),
                clause: Clause::$clause,
                run: |context| Box::pin(cases::$module::$name(context)),
            },)+)+]
        }
    };
}

list! {
    Atomic in atomic {
        a_commit_of_many_operations_is_there_whole
        a_bad_operation_in_the_midst_undoes_those_before_it
        a_failed_commit_gives_no_sequence_away
        a_failed_commit_brings_no_chunks
        an_unmet_expectation_undoes_everything
        a_refused_commit_can_be_sent_again_mended
        operations_see_those_before_them
        a_dropped_commit_is_done_or_not_never_half
        an_empty_commit_changes_nothing
        a_receipt_names_the_first_and_last_position
    }
    Durable in durable {
        every_save_is_there_after_a_restart
        the_last_commit_is_there_after_each_of_many_restarts
        what_was_acknowledged_survives_handles_that_were_not_closed
        states_and_chunks_are_the_same_after_a_restart
        everything_beside_checkpoints_survives_a_restart
        a_receipt_claims_what_the_store_says
        a_flush_answers_the_newest_position_and_what_holds
        a_closed_handle_says_stopped
        a_close_finishes_what_was_under_way
    }
    Sequence in sequence {
        appends_count_from_one_across_sessions
        appends_of_one_commit_are_numbered_in_their_order
        eight_tasks_at_once_leave_no_gap
        a_deleted_newest_number_is_not_given_again
        a_deleted_newest_number_is_not_given_again_after_a_restart
        the_counter_outlives_what_is_trimmed
        an_origin_above_the_highest_raises_the_counter
        an_origin_below_the_highest_is_kept_beside
        a_copied_revision_is_kept
        commit_times_never_fall
        an_append_stands_in_the_feed_at_its_sequence
        the_feed_tells_every_kind_of_change
        what_changes_nothing_is_not_in_the_feed
        the_feed_never_splits_a_commit
        the_feed_keeps_status_and_revision_of_the_moment
        a_trimmed_feed_says_how_far_back_it_reaches
        a_waiting_reader_is_woken_by_a_change
        a_waiting_reader_gives_up_in_time
        the_position_of_a_fresh_store_is_the_start
    }
    Idempotent in idempotent {
        a_retried_save_answers_as_the_first_time
        a_save_rebuilt_under_another_commit_id_answers_as_the_first_time
        a_retry_may_differ_in_clock_and_sealed_bytes
        the_same_id_with_another_fingerprint_is_refused
        a_retry_after_an_update_answers_as_the_first_time
        a_retry_after_a_deletion_says_deleted_and_makes_nothing
        a_commit_sent_again_by_id_after_a_deletion_makes_nothing
        a_retry_whose_session_is_gone_makes_nothing
        a_revived_append_is_made_anew
        another_state_under_a_deleted_id_is_refused
        a_retried_save_does_not_conflict_with_itself
        every_kind_of_commit_sent_again_answers_as_the_first_time
        a_mixed_commit_is_known_by_its_id
        a_commit_is_known_after_a_restart
        a_retry_is_told_what_the_first_time_created
        many_appends_sent_again_under_another_id_are_all_known
        a_copied_checkpoint_sent_again_is_known
        a_forgotten_commit_id_still_knows_its_appends
    }
    Expectations in expectations {
        a_head_is_compared
        a_head_after_a_deletion_is_the_one_before
        a_revision_is_compared
        a_session_revision_is_compared
        a_record_version_is_compared
        all_expectations_must_hold
        expectations_are_judged_before_the_operations
        an_update_of_an_old_revision_is_a_conflict
        of_two_updates_of_one_revision_one_wins
        a_patch_of_an_old_revision_is_a_conflict
        a_session_that_must_be_new_is_refused_when_there
        a_records_version_rises_also_after_it_was_removed
        a_reseal_replaces_bytes_and_nothing_else
        a_reseal_of_other_bytes_is_a_conflict
        a_head_expected_by_many_is_won_by_one
        a_conflict_leaves_the_commit_id_free
    }
    Ownership in ownership {
        each_claim_raises_the_epoch
        an_older_epoch_is_refused_and_writes_nothing
        an_epoch_of_no_session_is_a_conflict
        a_session_made_again_has_a_higher_epoch
        an_owner_of_a_deleted_session_is_refused
        the_epoch_of_a_deleted_session_outlives_trimming
        a_copied_session_keeps_at_least_its_epoch
        of_many_claims_each_gets_an_epoch_of_its_own
        a_retried_claim_does_not_take_the_session_twice
        a_claim_of_no_session_is_refused
        a_claim_changes_nothing_but_the_epoch
    }
}
