"""Muon for the matrices, AdamW for the embedding and the norms, one learning-rate factor for both."""

from collections import defaultdict

import torch


def _orthogonal(g, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix, batched over the first axis."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16() if g.is_cuda else g.float()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if tall else x).float()


class Optimizer:
    def __init__(self, named, muon_lr, adam_lr, decay=0.02, momentum=0.95):
        named = [(n, p) for n, p in named if p.requires_grad]
        groups = defaultdict(list)
        for n, p in named:
            if p.ndim == 2 and "embed" not in n:
                groups[p.shape].append(p)
        self.groups = [(ps, torch.zeros(len(ps), *ps[0].shape, device=ps[0].device)) for ps in groups.values()]
        self.muon_lr, self.decay, self.momentum = muon_lr, decay, momentum
        rest = [p for n, p in named if p.ndim != 2 or "embed" in n]
        self.adam = torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.0, fused=rest[0].is_cuda)
        self.adam_lr = adam_lr
        self.params = [p for _, p in named]

    @torch.no_grad()
    def step(self, factor):
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        for g in self.adam.param_groups:
            g["lr"] = self.adam_lr * factor
        self.adam.step()
        lr = self.muon_lr * factor
        for params, state in self.groups:
            grad = torch.stack([p.grad for p in params])
            state.lerp_(grad, 1 - self.momentum)
            update = _orthogonal(grad.lerp(state, self.momentum))
            scale = 0.2 * max(grad.shape[-2:]) ** 0.5
            torch._foreach_mul_(params, 1 - lr * self.decay)
            torch._foreach_add_(params, list(update.unbind()), alpha=-lr * scale)
        for p in self.params:
            p.grad = None


def schedule(progress, warmup=0.015, hold=0.45):
    """Warm up, hold, then fall linearly to (almost) nothing; progress in 0..1."""
    if progress < warmup:
        return progress / warmup
    return 1.0 if progress < hold else max(0.0, 1 - (progress - hold) / (1 - hold)) * 0.99 + 0.01
