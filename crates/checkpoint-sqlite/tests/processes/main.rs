//! What takes a process of its own: several at work on one store, killed, without rights, without room.
//!
//! The program is its own helper: with [`peer::ROLE`] set it does what it is told line by line.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod copying;
mod creation;
mod full;
mod load;
mod peer;
mod read_only;
mod sharing;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

macro_rules! trials {
    ($($room:ident::$name:ident,)+) => {
        vec![$(Trial::test(stringify!($name), || {
            $room::$name();
            Ok(())
        }),)+]
    };
}

fn main() -> ExitCode {
    if std::env::var_os(peer::ROLE).is_some() {
        peer::serve();
        return ExitCode::SUCCESS;
    }
    let mut trials = trials![
        sharing::writers_of_three_processes_lose_nothing_and_share_one_order,
        sharing::a_killed_writer_takes_nothing_acknowledged_with_it,
        sharing::a_claim_by_another_process_fences_this_one,
        sharing::a_second_handle_does_not_give_up_the_locks_of_the_first,
        sharing::a_flush_does_not_give_up_the_locks_of_the_store,
        copying::a_copy_that_is_killed_goes_on_when_it_is_made_again,
        creation::creators_at_the_same_moment_share_one_store,
        creation::openers_of_a_copy_without_a_log_at_the_same_moment_share_it,
        creation::what_a_killed_creator_left_is_removed,
        creation::a_creator_killed_at_any_moment_leaves_a_whole_store_or_none,
        creation::what_a_living_creator_works_on_stays,
        creation::a_relative_path_names_the_file_that_it_named_at_first,
        read_only::reading_alone_never_writes_what_is_stored,
    ];
    let sealed = trials![
        read_only::a_closed_store_is_read_where_nothing_can_be_made,
        read_only::a_store_at_work_is_read_where_nothing_can_be_made,
        read_only::a_log_that_was_left_is_read_where_nothing_can_be_made,
        read_only::a_log_that_cannot_be_read_is_not_passed_over,
        read_only::who_may_not_write_is_told_so_and_can_read,
        full::a_store_without_room_is_not_made_and_leaves_nothing,
        full::what_was_saved_before_the_disk_was_full_stays_and_more_can_be_saved_after,
        full::a_store_that_is_closed_without_room_loses_nothing,
        full::maintenance_without_room_is_refused_or_done_and_can_be_repeated,
        full::the_log_is_not_extended_into_the_last_room,
    ];
    let cannot_seal = read_only::cannot_seal();
    if let Some(why) = &cannot_seal {
        peer::say(&format!("{} tests are left out: {why}", sealed.len()));
    }
    let sealed = sealed.into_iter();
    trials.extend(sealed.map(|trial| trial.with_ignored_flag(cannot_seal.is_some())));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
