//! The one list of all cases.

use crate::case::{Case, Clause};

macro_rules! list {
    ($($clause:ident in $module:ident { $($name:ident)+ })+) => {
        /// Every case, in the order of the clauses.
        #[must_use]
        pub fn cases() -> Vec<Case> {
            vec![$($(Case {
                name: stringify!($name),
                clause: Clause::$clause,
                run: |context| Box::pin(crate::cases::$module::$name(context)),
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
        a_failed_commit_is_forgotten_by_later_ones
        a_failed_commit_is_forgotten_by_those_beside_it
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
    Durable in edges {
        a_wait_ends_when_its_handle_is_closed
    }
    Durable in backup {
        a_backup_holds_all_that_was_acknowledged_before_it
        writers_go_on_while_a_backup_is_made
        a_backup_has_its_name_when_it_is_kept_and_not_sooner
        a_backup_replaces_nothing
        a_store_without_backups_says_what_to_do_instead
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
    }
    Sequence in copied {
        a_counter_that_was_advanced_goes_on_from_there
        an_advanced_counter_outlives_what_is_trimmed
        an_advance_and_an_append_may_share_a_commit
        an_older_origin_is_kept_beside_the_sequence
        a_copied_update_keeps_its_revision
    }
    Sequence in feed {
        an_append_stands_in_the_feed_at_its_sequence
        the_feed_tells_every_change_of_a_checkpoint
        the_feed_tells_every_change_of_a_session
        what_changes_nothing_is_not_in_the_feed
        a_silent_record_is_kept_and_not_told
        the_feed_never_splits_a_commit
        the_feed_keeps_status_and_revision_of_the_moment
        a_trimmed_feed_says_how_far_back_it_reaches
        a_waiting_reader_is_woken_by_a_change
        a_waiting_reader_gives_up_in_time
        the_position_of_a_fresh_store_is_the_start
    }
    Sequence in edges {
        what_finds_nothing_to_do_is_not_in_the_feed
        what_does_something_is_in_the_feed_though_it_looks_the_same
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
    Idempotent in shape {
        another_commit_under_a_used_id_is_refused
        a_retry_may_differ_in_chunks_revisions_and_opaque_bytes
        the_shape_of_a_commit_is_known_after_a_restart
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
        a_head_expected_by_many_is_won_by_one
        a_conflict_leaves_the_commit_id_free
    }
    Expectations in replace {
        a_patch_of_an_old_revision_is_a_conflict
        a_session_that_must_be_new_is_refused_when_there
        a_records_version_rises_also_after_it_was_removed
        a_reseal_replaces_bytes_and_nothing_else
        a_reseal_of_other_bytes_is_a_conflict
    }
    Expectations in edges {
        a_removed_record_is_not_there_and_keeps_its_version_for_good
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
    Ownership in copied {
        a_session_that_is_there_is_raised_to_a_copied_epoch
    }
    Ownership in edges {
        a_former_owner_stays_refused_when_all_is_forgotten
    }
    Closed in closed {
        a_state_whose_top_is_nowhere_is_refused
        exactly_the_missing_chunks_are_named
        a_new_node_may_stand_over_chunks_that_are_there
        children_may_come_after_their_parents_in_a_commit
        a_delta_whose_base_is_missing_is_refused
        chunks_sent_ahead_must_be_closed_too
        a_large_state_may_be_sent_ahead_in_pieces
        relying_on_what_is_not_there_is_refused
        an_update_with_a_missing_state_is_refused
        a_chunk_keeps_its_first_stored_form
        the_same_chunk_twice_in_a_commit_is_stored_once
        of_two_forms_in_a_commit_the_first_is_kept
        chunks_are_answered_in_the_order_asked_for
        a_scan_of_chunks_goes_by_id_and_misses_none
        a_chunk_can_be_sealed_anew
        a_missing_chunk_does_not_burn_the_commit_id
    }
    Closed in sweep {
        a_sweep_spares_what_checkpoints_refer_to
        a_sweep_takes_what_nothing_refers_to
        chunks_within_their_grace_are_spared
        the_grace_of_a_chunk_covers_its_children
        relying_on_a_chunk_renews_its_grace
        sending_a_chunk_again_renews_its_grace
        a_base_is_spared_while_its_delta_lives
        what_two_states_share_lives_as_long_as_either
        a_replaced_state_is_swept
        a_quarantined_checkpoint_keeps_its_state
        the_chunks_of_a_deleted_session_are_swept
        a_sweep_in_small_steps_takes_all_and_no_more
        a_save_between_the_steps_of_a_sweep_keeps_its_chunks
        savers_and_sweepers_at_once_lose_nothing
        a_store_with_nothing_to_do_says_so
    }
    Isolation in isolation {
        a_scan_of_a_session_shows_that_session_alone
        a_parent_taken_as_head_is_of_the_same_session
        an_update_through_another_session_finds_nothing
        a_deletion_through_another_session_deletes_nothing
        an_attachment_through_another_session_is_refused
        attachments_are_of_their_checkpoint_alone
        paging_is_not_disturbed_by_appends
        paging_is_not_disturbed_by_deletions_and_updates
        a_scan_sees_a_commit_whole
        an_append_is_read_by_who_made_it
        a_checkpoint_of_any_session_may_enclose_or_be_the_parent
        a_header_is_what_the_writer_gave
        an_append_to_a_session_that_is_not_there_is_refused
    }
    Isolation in edges {
        a_parent_or_enclosing_that_never_was_is_kept_as_given
        a_child_may_come_before_its_parent
    }
    Order in order {
        a_scan_goes_by_sequence_both_ways
        equal_times_change_nothing
        an_update_moves_nothing
        sessions_list_in_the_order_of_their_creation
        sessions_of_one_commit_list_in_its_order
        attachments_list_in_the_order_first_put
        an_attachment_is_read_without_content_when_not_asked_for
        records_list_in_the_order_of_their_names
        a_get_answers_in_the_order_asked_for
        a_session_that_is_not_there_is_an_empty_list
    }
    Order in cursors {
        a_limit_of_zero_is_an_empty_page
        a_page_is_never_longer_than_its_limit
        the_last_page_says_that_it_is_the_last
        a_cursor_survives_text_and_a_restart
        a_cursor_of_another_question_is_refused
        garbage_is_no_cursor
    }
    Order in filters {
        any_of_several_tags_is_enough
        all_of_several_tags_are_wanted
        status_and_trigger_are_compared
        worker_and_pin_are_compared
        the_start_of_an_id_is_compared
        many_ids_that_start_alike_page_to_their_end
        parent_and_enclosing_are_compared
        times_are_compared_with_both_ends_included
        a_copy_is_found_by_the_time_it_was_first_committed
        filters_are_judged_when_read
    }
    Order in ranges {
        a_range_of_sequences_includes_both_ends
        a_range_that_starts_above_its_end_is_empty
        what_is_set_aside_is_no_head_and_in_no_scan
        what_was_set_aside_can_be_taken_back
        a_filter_that_matches_little_pages_to_its_end
        many_heavy_checkpoints_page_to_their_end
    }
    Deletion in deletion {
        deleting_what_is_not_there_says_so
        a_deleted_checkpoint_is_gone_and_known_as_deleted
        a_deleted_head_gives_way_to_the_one_before
        children_keep_the_id_of_a_deleted_parent
        what_is_deleted_cannot_be_changed
        attachments_go_with_their_checkpoint
        a_deleted_session_is_gone_at_once
        a_deleted_session_takes_no_more_writes
        a_session_made_again_is_a_new_one
        a_checkpoint_can_be_deleted_and_another_made_in_one_commit
        a_session_can_be_deleted_and_made_again_in_one_commit
    }
    Deletion in upkeep {
        purging_the_old_spares_a_session_made_again
        forks_of_a_deleted_session_keep_what_they_need
        a_deletion_is_forgotten_after_the_window
        what_went_with_its_session_is_forgotten_with_it
        a_deletion_is_remembered_within_the_window
        space_comes_back_after_maintain
    }
    Corruption in corruption {
        a_damaged_description_is_corrupt_and_hides_nothing_else
        a_damaged_state_is_corrupt_and_hides_nothing_else
        a_damaged_header_is_corrupt_and_hides_nothing_else
        a_damaged_chunk_is_corrupt_and_hides_nothing_else
        a_sweep_among_damage_spares_what_is_alive
        a_sweep_spares_the_chunks_of_a_damaged_checkpoint
        a_damaged_attachment_is_corrupt_and_hides_nothing_else
        damage_does_not_stop_writers
        what_is_damaged_can_be_set_aside
        what_is_listed_as_damaged_is_named_well_enough_to_be_set_aside
        what_is_damaged_can_be_deleted
        a_whole_store_reports_no_damage
    }
    Corruption in damage {
        a_damaged_session_is_corrupt_and_hides_nothing_else
        a_damaged_header_of_a_session_is_corrupt_and_hides_nothing_else
        a_damaged_session_hides_no_checkpoint_and_stops_no_writer
        a_damaged_session_can_be_deleted
        a_damaged_record_is_corrupt_and_hides_nothing_else
        a_damaged_change_is_told_in_its_place_and_hides_nothing_else
        a_damaged_append_is_told_in_the_feed_and_hides_nothing_else
        a_damaged_record_can_be_put_again_and_its_version_rises
        a_damaged_session_that_is_deleted_does_not_stop_upkeep
        a_sweep_that_damage_holds_up_says_so
        what_an_index_lost_is_told_by_a_check
    }
    Limits in limits {
        a_state_over_its_limit_is_refused
        a_description_over_its_limit_is_refused
        an_attachment_over_its_limit_is_refused
        a_record_over_its_limit_is_refused
        a_chunk_over_its_limits_is_refused
        too_many_tags_are_refused
        too_many_operations_are_refused
        a_long_kind_or_key_of_an_attachment_is_refused
        an_oversize_part_undoes_a_whole_commit
        a_page_over_its_limit_is_refused
    }
    Limits in edges {
        as_many_ids_as_the_caller_has_are_answered
        a_reseal_is_held_to_the_limit_of_its_object
    }
    Limits in copied {
        numbers_that_cannot_be_copied_are_refused
    }
    Limits in invalid {
        unsorted_or_repeated_tags_are_refused
        one_id_twice_in_a_commit_is_refused
        a_revision_or_origin_that_cannot_be_is_refused
        what_is_no_id_never_reaches_a_store
        an_empty_key_of_an_attachment_is_legal
    }
    TwoAtOnce in two_at_once {
        what_one_handle_writes_another_reads
        two_handles_share_one_sequence
        a_retry_through_another_handle_is_known
        an_expectation_sees_what_another_handle_wrote
        a_claim_fences_the_owner_on_another_handle
        closing_one_handle_leaves_the_other_open
        a_waiting_reader_is_woken_by_another_handle
        a_sweep_by_one_handle_spares_what_the_other_saves
        the_feed_is_one_for_all_handles
        a_second_open_is_locked_where_the_store_is_not_shared
    }
    Formats in formats {
        a_store_says_what_it_is
        limits_leave_room_for_what_every_store_takes
        a_store_keeps_its_id_and_version
        two_stores_share_nothing
        a_newer_format_is_refused_by_name
        debugging_a_handle_floods_nobody
    }
    Formats in backup {
        a_store_opened_for_reading_alone_refuses_every_write
    }
    Unicode in unicode {
        every_hostile_checkpoint_id_round_trips
        every_hostile_session_id_round_trips
        every_hostile_tag_and_worker_is_found_by_itself_alone
        every_hostile_attachment_key_round_trips
        every_hostile_record_name_round_trips
        hostile_ids_survive_a_restart
    }
    Unicode in text {
        a_prefix_is_no_pattern
        a_uuid_in_capitals_is_another_id
        case_and_composition_tell_ids_apart
        any_bytes_round_trip_where_bytes_are_opaque
    }
}
