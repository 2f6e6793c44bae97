"""The English sentence of each remark's code; zh.json has the Chinese ones, harness.gates.reasons those of verdicts."""

from typing import Dict

SENTENCES: Dict[str, str] = {
    "text": "{text}",
    # What a timing lacks
    "no_interval": "no interval: {processes} of at least 2 processes were timed",
    "wide_interval": "half-width {width:.1%} > {wanted:.1%}: {why}",
    "interrupted": "interrupted",
    "no_more_allowed": "no more than {processes} processes were allowed",
    "budget_spent": "time budget of {seconds:g} s spent",
    "unsteady_processes": "never steady in {unsteady} of {processes} processes",
    "disturbed_left_out": (
        "{disturbed} of {processes} processes lost up to {share:.0%} of their time to others: left out of the step time"
    ),
    "disturbed_counted": "{disturbed} of {processes} processes lost up to {share:.0%} of their time to others",
    "drift": "drift of up to {drift:+.1%} in {drifting} of {processes} processes",
    # What became of a trial
    "ok": "ok",
    "crashed": "crashed",
    "timed_out": "timed out",
    "diverged": "diverged",
    "refused": "refused",
    "trial_failed": "{trial}: {status}: {reason}",
    "replicates_not_run": "{absent} of {replicates} replicates were not run",
    # What the card would do, or did
    "card_refuses": "ops that the card would not compile: {ops}, the first is {type} {name}: no kernel has its dtypes",
    "casts_not_planned": "card: with loss scaling its casts are not planned",
    "casts_not_checked": (
        "card: its casts were not checked against the {planned} planned ones: no graph dump in {folder} "
        "(set DUMP_GE_GRAPH=2)"
    ),
    "casts_as_planned": "card: {casts} casts among the {ops} ops of {file}, as planned",
    "casts_not_as_planned": "card: {casts} casts among the {ops} ops of {file}, planned were {planned}",
    "bfloat16_refused": "card: the 910 refuses {mode}; planned as if it had bfloat16 where it has float16",
    "customized_mode_without_effect": "customize_dtypes has no effect under {mode}",
    "customized_op_without_effect": "customize_dtypes has no effect on {op}: it is folded, fused or dropped",
    # Whether a picture is right
    "no_good_trial": "no trial of it ended well",
    "no_reference": "{reference}, which it is held against, was not measured",
    "reference_not_float32": "{reference} is not float32: it may be wrong itself",
    "envelope_not_measured": "no envelope was measured: what noise does is unknown",
    "probes_changed_picture": "the probes changed the picture: what they say of layers is of another job",
    "loss_ratio": "true loss {ratio:.4g} times that of {reference}",
    "keeps_limit": "{figure} {value:.4g}, {limit:.4g} is needed",
    "not_faster": "not faster than the reference mode",
    "not_gateable": (
        "SSIM shows none of the known faults at this horizon: noise alone may move the picture further than they do"
    ),
    "saturates": "{part} saturates at {layers}",
    "makes_nan": "{part} makes NaN at {layers}",
    "gradient_part": "gradient",
    "gram_part": "style Gram",
    "activation_part": "activation",
    "loss_part": "loss",
    "step_part": "step",
    "not_in_turns": "base and head ran one after the other, not step by step in turns: their times spread further",
    # Two stored runs
    "variants": "{first} in the first run, {second} in the second",
    "first_loss": "first step: {name} loss {before:.6g} in the first run, {after:.6g} in the second",
    "final_loss": "final loss {before:.6g} in the first run, {after:.6g} in the second",
    "same_picture": "the same picture, pixel by pixel",
    "other_picture": "pictures: SSIM {ssim:.4f}, mean level of a channel moved by {level:.2f}",
    # Figures of a picture and their limits
    "above_limit": "{figure} {value:.4g}, expected at most {limit:.4g}",
    "below_limit": "{figure} {value:.4g}, expected at least {limit:.4g}",
    "cannot_gate_by": "{bound} (cannot gate: noise may move it further than each known fault does)",
    "begins_after_gradient": (
        "the first step is as approved up to the picture's gradient: look after the gradient, at the optimiser"
    ),
    "begins_at_writing": "every picture on the way is as approved: look at how the last one is written",
    "ssim_to_reference": "SSIM to reference",
    "ssim_to_reference_channel": "SSIM to reference, worst channel",
    "ssim_to_baseline": "SSIM to baseline",
    "ssim_to_baseline_channel": "SSIM to baseline, worst channel",
    "level_change": "mean level of a channel, change",
    "true_loss_over_reference": "true loss over the reference mode's",
    "reported_loss_change": "reported loss, change",
    "true_loss_growth": "true loss, growth",
    "picture_after": "picture after {updates} updates",
    "error_growth": "{probe}, growth of the error",
    "probe_gone": "{probe}: no longer there",
    "probe_activation": "{name} activation",
    "probe_gradient": "{name} gradient",
    "probe_gram": "{name} Gram matrix",
    "probe_loss": "{name} loss",
    # Baselines
    "looked_for": "looked for {path}",
    "lacks": "no {what}",
    "lacks_sketch": "no sketch of {probe}",
    "lacks_headroom": "no headroom of {probe}",
    "lacks_snapshots": "{stored} pictures on the way, expected {expected}",
    "lacks_spread": "no spread: what healthy noise does",
    "sizes": "stored {stored} pixels, drawn {drawn}",
    # What differs between two machines
    "condition_differs": "{name}: {there} there, {here} here",
    "not_set": "not set",
    "machine_condition": "machine",
    "processor_condition": "processor",
    "cores_condition": "usable cores",
    "quota_condition": "CPU quota",
    "accelerators_condition": "accelerators",
    "processes_condition": "processes side by side",
    "threads_condition": "threads",
    # What differs between two dtype plans
    "plan_casts": "casts: {before} -> {after}",
    "plan_bytes_cast": "bytes cast: {before:,} -> {after:,}",
    "plan_unit": "ops on {unit}: {before} -> {after}",
    "plan_flop": "floating-point operations: {before:,} -> {after:,}",
    "plan_roofline": "least ms on a 910: {before:.10g} -> {after:.10g}",
    "plan_ai_cpu_now": "now on the AI CPU: {op}",
    "plan_ai_cpu_no_longer": "no longer on the AI CPU: {op}",
    "plan_refused_now": "would no longer compile: {op}",
    "plan_refused_no_longer": "would compile now: {op}",
    "plan_unknown_types_now": "now an unknown type: {op}",
    "plan_unknown_types_no_longer": "no longer an unknown type: {op}",
    "plan_op": "{op}: {before} -> {after}",
    "plan_op_alike": "{op} and {more} alike: {before} -> {after}",
    "plan_op_now": "{op}: new, {after}",
    "plan_op_now_alike": "{op} and {more} alike: new, {after}",
    "plan_op_no_longer": "{op}: gone, was {before}",
    "plan_op_no_longer_alike": "{op} and {more} alike: gone, were {before}",
}
