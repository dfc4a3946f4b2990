"""Both stages of training, then a quick evaluation.

Stage 1: the AR view, cross-entropy on the assistant's tokens. Its weights are then rounded to bf16.
Stage 2: everything frozen but the `*_diff` tensors; forward KL from the AR view to the diffusion view.
"""

import argparse
import json
import random
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import textgen
from chatml import Encoder, messages
from data import Batches, pack
from decode import greedy
from export import load, save
from model import Config, Layer, Orthrus
from optim import Optimizer, schedule
from scoring import load_prompts, score, show

T0 = time.time()
ended = False  # by SIGTERM: the stage stops where it is, and is saved


def say(*words):
    print(f"[{time.time() - T0:6.1f}s]", *words, flush=True)


def end(*_):
    global ended
    ended = True


def to_device(arrays, device):
    """Integer arrays as tensors; from pinned memory, so that the GPU is not waited for."""
    tensors = [torch.from_numpy(np.ascontiguousarray(a, np.int64)) for a in arrays]
    return [(t.pin_memory() if device.type == "cuda" else t).to(device, non_blocking=True) for t in tensors]


def run_stage(name, steps, opt, batches, loss_of, device):
    """The loop both stages share. `loss_of(part, docs, answer)` takes a part as numpy arrays, with the step's
    documents and answer tokens, and gives (loss to differentiate, {figures}). Places are chosen on the CPU:
    indexing by a mask on the GPU would make the CPU wait."""
    sums, tokens, shown, steps_then = {}, 0, time.time(), 0
    for step in range(1, steps + 1):
        parts = next(batches)
        docs = sum(len(p[0]) for p in parts)
        answer = sum(int((p[2] - p[1]).sum()) for p in parts)
        for part in parts:
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                loss, figures = loss_of(part, docs, answer)
            loss.backward()
            for k, v in figures.items():
                sums[k] = sums.get(k, 0) + v
            tokens += part[0].size
        opt.step(schedule((step - 1) / steps))
        if time.time() - shown > 10 or step in (1, 10, steps):
            n = step - steps_then
            figures = "  ".join(f"{k} {(v / n).item():.4f}" for k, v in sums.items())
            say(f"{name} step {step} of {steps}  {figures}  {tokens / (time.time() - shown) / 1e3:.0f}k tokens/s")
            sums, tokens, shown, steps_then = {}, 0, time.time(), step
        if ended:
            return say(f"{name} ended at step {step} of {steps}")


def cross_entropy(logits, target):
    """Summed over places, and how many were right."""
    return F.cross_entropy(logits.float(), target, reduction="sum"), (logits.argmax(-1) == target).sum()


def divergence(p, q):
    """For logits [N, V] of both views: KL(p || q), and whether both choose the same token."""
    same = p.argmax(-1) == q.argmax(-1)
    p, q = p.float().log_softmax(-1), q.float().log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1), same


def stage1_loss(model, device, compiled):
    causal, loss_and_right = compiled(Layer.causal), compiled(cross_entropy)

    def loss_of(part, docs, answer):
        ids, start, length = (a.astype(np.int64) for a in part)
        at = np.arange(1, ids.shape[1])
        # The answer, its end, and the empty thought before it (4 tokens).
        wanted = (at >= start[:, None] - 4) & (at < length[:, None])
        ids, where, target = to_device((ids, np.flatnonzero(np.pad(wanted, ((0, 0), (0, 1)))), ids[:, 1:][wanted]), device)
        hidden, _ = model.forward_ar(ids, run=causal)
        loss, right = loss_and_right(model.head(hidden.flatten(0, 1).index_select(0, where)), target)
        return loss / answer, {"loss": loss.detach() / answer, "right": right / answer}

    return loss_of


def stage2_loss(model, anchors, tau, seed, device, compiled):
    causal, blocks, divergence_of = compiled(Layer.causal), compiled(Layer.blocks), compiled(divergence)
    K = model.c.block_size
    rng = np.random.default_rng(seed)
    rows = np.arange(K - 1)
    decay = torch.exp(-torch.arange(K - 1, device=device) / tau)

    def loss_of(part, docs, answer):
        ids, start, length = (a.astype(np.int64) for a in part)
        # The first anchor is the first token of the answer, the others anywhere before its last token.
        span = np.maximum(length - 1 - start, 1)
        where = start[:, None] + (rng.random((len(ids), anchors)) * span[:, None]).astype(np.int64)
        where[:, 0] = start
        source = where[..., None] + rows  # the row of the AR view that predicts the same token
        valid = source + 1 < length[:, None, None]
        teacher_at = (source + np.arange(len(ids))[:, None, None] * ids.shape[1])[valid]
        at = np.flatnonzero(valid)
        first = np.take_along_axis(ids, where, 1)
        ids, where, first, at, teacher_at, row_of = to_device((ids, where, first, at, teacher_at, np.broadcast_to(rows, valid.shape)[valid]), device)
        with torch.no_grad():
            hidden, kept = model.forward_ar(ids, keep=True, run=causal)
            p = model.head(hidden.flatten(0, 1).index_select(0, teacher_at))
        drafted = model.forward_blocks(model.block_ids(first), where, kept, run=blocks)[..., :-1, :].reshape(-1, hidden.shape[-1]).index_select(0, at)
        kl, same = divergence_of(p, model.head(drafted))
        with torch.no_grad():
            hit = torch.zeros(valid.size, dtype=torch.long, device=device)
            hit[at] = same.long()
            run = hit.view(valid.shape).cumprod(-1)
            before = F.pad(run[..., :-1], (1, 0), value=1).flatten()[at].float()
            weight = decay[row_of] * (0.3 + 0.7 * before)
            accepted = run.sum(-1).float()
        share = len(ids) / docs
        loss = (weight * kl).sum() / (len(ids) * anchors * 4) * share
        return loss, {"kl": (kl.mean() * share).detach(), "accepted": accepted.mean() * share, "right": same.float().mean() * share}

    return loss_of


def self_written(model, enc, families, count, max_new, seed, batch):
    """Greedy answers of the AR view to training prompts of free families: what decoding will really meet."""
    rng, model_prompts = random.Random(seed), []
    while len(model_prompts) < count:
        sample = textgen.conversation(rng, rng.choice(families))
        prompt = enc.prompt(messages(sample))
        if len(prompt) < 320:
            model_prompts.append(prompt)
    outs = greedy(model, model_prompts, enc.end, max_new, batch)
    return [(p + o, len(p)) for p, o in zip(model_prompts, outs) if len(o) > 1]


class Mixed:
    """Generator steps with a few self-written documents added to each."""

    def __init__(self, batches, docs, per_step, seed):
        self.batches, self.docs, self.per_step, self.rng = batches, docs, per_step, random.Random(seed)

    def __next__(self):
        parts = next(self.batches)
        return parts + pack(self.rng.sample(self.docs, min(self.per_step, len(self.docs))), 1) if self.docs else parts


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--stage1", type=Path, help="start from this stage-1 checkpoint instead of training one")
    p.add_argument("--resume", type=Path, help="go on with both views of this checkpoint")
    p.add_argument("--stage1-steps", type=int, default=3400)
    p.add_argument("--stage2-steps", type=int, default=1400)
    p.add_argument("--docs", type=int, default=768, help="documents a step")
    p.add_argument("--parts", type=int, default=3, help="micro-batches a step, by length")
    p.add_argument("--anchors", type=int, default=8)
    p.add_argument("--tau", type=float, default=12.0, help="decay of the weight over a block's rows")
    p.add_argument("--self-docs", type=int, default=12288, help="self-written documents for stage 2")
    p.add_argument("--workers", type=int, default=15)
    p.add_argument("--muon-lr", type=float, default=5e-3)
    p.add_argument("--adam-lr", type=float, default=2e-3)
    p.add_argument("--lr-scale", type=float, default=1.0, help="factor on both learning rates")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--eval-per-family", type=int, default=128)
    p.add_argument("--max-new", type=int, default=512)
    p.add_argument("--eager", action="store_true", help="do not compile (for a short try)")
    p.add_argument("--lean", action="store_true", help="save weights and config.json only (export.py completes them)")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, end)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(a.seed)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.enable_cudnn_sdp(False)  # it plans anew for every shape
    # Most of a step's time would go into starting small kernels. Batches differ in shape, hence `dynamic`.
    torch._dynamo.config.recompile_limit = 32
    compiled = (lambda f: f) if a.eager else lambda f: torch.compile(f, dynamic=True)
    enc = Encoder()
    log = {"arguments": {k: str(v) for k, v in vars(a).items()}, "torch": torch.__version__, "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu"}
    say(log["device"], "torch", torch.__version__)

    if a.stage1:
        model = load(a.stage1, device)
    else:
        model = load(a.resume, device) if a.resume else Orthrus(Config(vocab_size=enc.tokenizer.get_vocab_size(), mask_token_id=enc.mask)).to(device)
        for n, q in model.named_parameters():
            q.requires_grad_("_diff" not in n)
        batches = Batches(f"stage1-{a.seed}", a.docs, a.parts, a.workers)
        next(batches)
        say("stage 1:", sum(q.numel() for q in model.parameters()), "parameters")
        opt = Optimizer(model.named_parameters(), a.muon_lr * a.lr_scale, a.adam_lr * a.lr_scale)
        run_stage("stage 1", a.stage1_steps, opt, batches, stage1_loss(model, device, compiled), device)
        batches.close()
        model.round_to_bf16()
        model.start_diffusion(copy=not a.resume)
        save(model, a.out / "stage1", None, a.lean)
        say("stage 1 saved")

    if a.stage2_steps:
        model.start_diffusion(copy=not a.resume)
        batches = Batches(f"stage2-{a.seed}", a.docs, a.parts, a.workers, without=("stories",) if a.self_docs else ())
        docs = self_written(model, enc, ["stories", "stories", "stories", "chat"], a.self_docs, a.max_new, f"self-{a.seed}", 1024) if a.self_docs else []
        say("stage 2:", len(docs), "self-written documents")
        opt = Optimizer(model.named_parameters(), a.muon_lr * a.lr_scale, a.adam_lr * a.lr_scale, decay=0.0)
        run_stage("stage 2", a.stage2_steps, opt, Mixed(batches, docs, a.docs // 8, a.seed), stage2_loss(model, a.anchors, a.tau, a.seed, device, compiled), device)
        batches.close()
        model.round_to_bf16()
        save(model, a.out, log, a.lean)
        say("stage 2 saved")

    table, answers = score(model, load_prompts(a.eval_per_family), a.max_new)
    say("evaluation")
    print(show(table), flush=True)
    (a.out / "eval.json").write_text(json.dumps({"table": table, "log": log}, indent=1))
    with (a.out / "answers.jsonl").open("w") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in answers)
    for r in [r for r in answers if r["right"] is False][:12] + [r for r in answers if r["family"] == "stories"][:2]:
        print("----", r["family"], r["task"], "\nU:", r["messages"][-1]["content"], "\nA:", r["answer"], "\nE:", r["expected"])
    say("done")


if __name__ == "__main__":
    main()
