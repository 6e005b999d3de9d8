"""A gate run from its file to its exit code.

The command line begins with a process that supervises the one that does all of this (`own.supervisor`).

1. `run.run_gate` reads the gate, puts the caller's options in place of its own (in a pull request's build also the
   base's policy: `policy_changes`), finds the Langfuse keys (`deliver.langfuse_of`), and has dataset, candidate and
   scorers read and checked (`assembly.assemble`). Then it is known whether one version is run, or two.
2. `alone.run_alone`, which is the rest for one version, opens store and link, and loads anchor and baseline
   (`baselines.load`), before a call is paid for.
3. `begin.begin_run` makes the run in the store, or finds the one to resume; what is to be known is said.
4. Under the run's lock the calls are announced (`announce`), the baseline is scored again where that was asked for
   (`rescored_first`), and the calls are made, scored and committed (`runner.session`); scores that Langfuse makes are
   waited for (`wait`). What is not complete ends here, with the command that goes on.
5. `decide.decide` makes the verdict from the stored run, and from the word of the candidate's own script.
6. The caller is given it (`decided`; the command line shows it and writes its reports: `cli.terminal.present`). A
   report that cannot be written ends the command with 2 where the verdict would end it with 0; nothing more is
   delivered then.
7. `deliver.tell_and_deliver` does 6, and sends the rest to Langfuse. The exit code is the verdict's
   (`records.Verdict.exit_code`); where a delivery is required and not complete, 0 and 3 become 5. Then 7 comes before
   6.

Two versions side by side take `beside.run_beside` in place of 2 to 5: rounds of `session.SideBySide`, until the data
decide. Results that exist take `check.check` or `enforce.enforce`, which read gate, baseline and anchor, and do 5.
A shard takes its share of the items in 3 (`shards.share`) and decides nothing in 5; `merge.merge` does, once for all.
"""
