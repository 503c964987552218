//! Backends that are broken on purpose, to show that the suite sees it.

mod damage;
mod identity;
mod model;
mod moving;
mod reading;
mod scans;
mod upkeep;
mod wrapper;
mod writing;

pub use wrapper::{Control, Fault, with_fault};

macro_rules! controls {
    ($(#[$doc:meta])* $visible:vis $list:ident:
     $($module:ident :: $fault:ident $name:literal $(caught by $($case:ident)+)?;)+) => {
        $(#[$doc])*
        #[must_use]
        $visible fn $list() -> Vec<Control> {
            vec![$(Control {
                name: $name,
                caught_by: &[$($(stringify!($case)),+)?],
                fault: || std::sync::Arc::new($module::$fault::default()),
            },)+]
        }
    };
}

controls! {
    /// Every backend that is broken on purpose for the suite. This is the one list.
    pub negative:
    writing::LosesTheLast "loses the last commit on reopen" caught by
        every_save_is_there_after_a_restart the_last_commit_is_there_after_each_of_many_restarts;
    writing::LeavesGaps "leaves gaps in the sequence" caught by
        appends_count_from_one_across_sessions eight_tasks_at_once_leave_no_gap;
    writing::ReusesTheNewest "gives the number of a deleted newest again" caught by
        a_deleted_newest_number_is_not_given_again;
    writing::IgnoresExpectations "ignores what a commit expects" caught by
        a_head_is_compared a_revision_is_compared a_record_version_is_compared;
    writing::AcceptsStaleEpochs "accepts the epoch of a former owner" caught by
        an_older_epoch_is_refused_and_writes_nothing a_claim_fences_the_owner_on_another_handle;
    writing::ForgetsRevisions "updates whatever revision is there" caught by
        an_update_of_an_old_revision_is_a_conflict of_two_updates_of_one_revision_one_wins;
    writing::DoesHalf "leaves half of a failed commit" caught by
        a_bad_operation_in_the_midst_undoes_those_before_it;
    writing::RemembersFailures "goes on from a commit that failed" caught by
        a_failed_commit_is_forgotten_by_later_ones a_failed_commit_is_forgotten_by_those_beside_it;
    writing::AcceptsDangling "accepts a state whose chunks are missing" caught by
        a_state_whose_top_is_nowhere_is_refused exactly_the_missing_chunks_are_named;
    identity::FoldsCase "folds the case of ids" caught by
        case_and_composition_tell_ids_apart a_uuid_in_capitals_is_another_id;
    identity::Overwrites "overwrites a checkpoint under its id" caught by
        the_same_id_with_another_fingerprint_is_refused;
    writing::Resurrects "raises a deleted checkpoint on a retry" caught by
        a_retry_after_a_deletion_says_deleted_and_makes_nothing;
    writing::ConflictsWithItself "judges expectations before it knows a retry" caught by
        a_retried_save_does_not_conflict_with_itself;
    writing::ForgetsCommits "does not know a commit by its id" caught by
        every_kind_of_commit_sent_again_answers_as_the_first_time;
    writing::CountsOperations "takes as many operations for the same commit" caught by
        another_commit_under_a_used_id_is_refused;
    writing::AcceptsOversize "acknowledges what is over a limit" caught by
        a_state_over_its_limit_is_refused a_record_over_its_limit_is_refused;
    reading::CutsPages "cuts a limit down to what a page may have" caught by
        a_page_over_its_limit_is_refused;
    writing::TellsAnyway "tells of setting aside what is aside" caught by
        what_finds_nothing_to_do_is_not_in_the_feed;
    writing::WantsParents "refuses a parent that is not there" caught by
        a_parent_or_enclosing_that_never_was_is_kept_as_given a_child_may_come_before_its_parent;
    reading::WaitsOn "waits on when its handle is closed" caught by
        a_wait_ends_when_its_handle_is_closed;
    writing::DeletesLate "deletes a session when it is maintained" caught by
        a_deleted_session_is_gone_at_once;
    writing::MovesReplaced "moves a replaced attachment to the end" caught by
        attachments_list_in_the_order_first_put;
    writing::ClaimsTooMuch "claims more durability than it has" caught by
        a_receipt_claims_what_the_store_says;
    scans::LeaksSessions "shows a session the checkpoints of others" caught by
        a_scan_of_a_session_shows_that_session_alone;
    scans::IgnoresStarts "lists ids that start otherwise" caught by
        the_start_of_an_id_is_compared;
    scans::StopsAtStarts "lists some of many ids that start alike" caught by
        many_ids_that_start_alike_page_to_their_end;
    scans::StopsWhenHeavy "takes a page that ended early for the last" caught by
        many_heavy_checkpoints_page_to_their_end;
    scans::WrongOrder "lists in the wrong order" caught by
        a_scan_goes_by_sequence_both_ways;
    scans::CountsInCursors "keeps a count in its cursors" caught by
        paging_is_not_disturbed_by_appends paging_is_not_disturbed_by_deletions_and_updates;
    reading::CutsStates "cuts states short" caught by
        a_header_is_what_the_writer_gave;
    reading::HidesAPage "hides a page behind one bad row" caught by
        a_damaged_description_is_corrupt_and_hides_nothing_else;
    reading::SeesNoDamage "reads damaged bytes as if they were whole" caught by
        a_damaged_state_is_corrupt_and_hides_nothing_else;
    damage::EndsAtDamage "ends the list of sessions at a damaged one" caught by
        a_damaged_session_is_corrupt_and_hides_nothing_else;
    damage::HidesRecords "hides all records behind a damaged one" caught by
        a_damaged_record_is_corrupt_and_hides_nothing_else;
    damage::LosesChanges "leaves a damaged change out of the feed" caught by
        a_damaged_change_is_told_in_its_place_and_hides_nothing_else;
    upkeep::StopsAtDamage "stops all upkeep at a damaged session" caught by
        a_damaged_session_that_is_deleted_does_not_stop_upkeep;
    upkeep::HidesUnswept "does not say that a sweep was held up" caught by
        a_sweep_that_damage_holds_up_says_so;
    upkeep::ChecksNothing "finds nothing when it checks itself" caught by
        what_an_index_lost_is_told_by_a_check;
    upkeep::ForgetsVersions "starts the versions of a damaged record anew" caught by
        a_damaged_record_can_be_put_again_and_its_version_rises;
    reading::SweepsChildren "sweeps the children of live chunks" caught by
        a_sweep_spares_what_checkpoints_refer_to a_base_is_spared_while_its_delta_lives;
    reading::SweepsAtOnce "sweeps chunks within their grace" caught by
        chunks_within_their_grace_are_spared;
    reading::SplitsCommits "splits a commit over two pages of the feed" caught by
        the_feed_never_splits_a_commit;
    reading::TrimsSilently "does not say that the feed was trimmed" caught by
        a_trimmed_feed_says_how_far_back_it_reaches;
    reading::ZeroIsAll "takes limit 0 for no limit" caught by
        a_limit_of_zero_is_an_empty_page;
    reading::PrefixIsPattern "takes a prefix for a pattern" caught by
        a_prefix_is_no_pattern;
    reading::SleepsOn "does not wake who waits" caught by
        a_waiting_reader_is_woken_by_a_change;
    reading::StaysOpen "works on after it was closed" caught by
        a_closed_handle_says_stopped;
    moving::StandsStill "does not count on from where it was advanced to" caught by
        a_counter_that_was_advanced_goes_on_from_there;
    reading::Panics "panics on a scan of nothing" caught by
        a_limit_of_zero_is_an_empty_page;
}

controls! {
    /// Those whose backups are broken, to be put [on](Control::on) a backend that makes some.
    pub negative_backups:
    moving::NamesEarly "gives a backup its name before it is looked at" caught by
        a_backup_has_its_name_when_it_is_kept_and_not_sooner;
    moving::Replaces "puts a backup in the place of what has its name" caught by
        a_backup_replaces_nothing;
    moving::TellsNobody "does not say how far a backup is" caught by
        writers_go_on_while_a_backup_is_made;
    moving::CopiesThePast "leaves out of a backup what is new" caught by
        a_backup_holds_all_that_was_acknowledged_before_it;
}

controls! {
    /// Every backend that is broken on purpose for the model test, in no case of the suite.
    pub(crate) of_model:
    model::DropsTheStep "drops a field on the way";
    model::LosesEnclosing "loses a field when it is opened again";
    model::UnpinsUpdated "keeps a field of an update to itself";
    model::RenumbersRetries "answers a retry with another sequence";
    model::ForgetsTombstones "forgets what was deleted";
    model::JudgesLate "judges expectations after the operations";
}
