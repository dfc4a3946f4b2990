"""Greedy decoding of many prompts at once, by either view. The dual loop is the official one, each row at its own place."""

import torch


def _prefill(model, prompts, room):
    """Prompts padded on the right -> ids [B, P], lengths [B], filled cache, first new token [B]."""
    dev = model.cos.device
    n = torch.tensor([len(p) for p in prompts], device=dev)
    ids = torch.zeros(len(prompts), int(n.max()), dtype=torch.long, device=dev)
    for i, p in enumerate(prompts):
        ids[i, : len(p)] = torch.tensor(p, device=dev)
    cache = model.new_cache(len(prompts), ids.shape[1] + room, dev)
    hidden, kept = model.forward_ar(ids, keep=True)
    for (k, v), (ck, cv) in zip(kept, cache):
        ck[:, :, : ids.shape[1]] = k
        cv[:, :, : ids.shape[1]] = v
    first = model.head(hidden[torch.arange(len(prompts), device=dev), n - 1]).argmax(-1)
    return n, cache, first


def _batches(prompts, size):
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for i in range(0, len(order), size):
        yield order[i : i + size]


@torch.inference_mode()
def greedy(model, prompts, end, max_new=512, batch=512):
    """New ids of each prompt (the end token included) by the AR view alone."""
    results = [None] * len(prompts)
    for index in _batches(prompts, batch):
        n, cache, token = _prefill(model, [prompts[i] for i in index], max_new)
        out, done = [token], token == end
        for _ in range(max_new - 1):
            if done.all():
                break
            hidden = model.forward_cached(token[:, None], n, cache)
            n = n + 1
            token = torch.where(done, end, model.head(hidden[:, 0]).argmax(-1))
            out.append(token)
            done = done | (token == end)
        for i, row in zip(index, torch.stack(out, 1).tolist()):
            results[i] = row[: row.index(end) + 1] if end in row else row
    return results


@torch.inference_mode()
def dual(model, prompts, end, max_new=512, batch=256):
    """(new ids, acceptance lengths) of each prompt. As the official loop, but for one liberty: the last block
    before the budget is not shortened, so give a budget that no answer reaches."""
    K = model.c.block_size
    results = [None] * len(prompts)
    for index in _batches(prompts, batch):
        n, cache, anchor = _prefill(model, [prompts[i] for i in index], max_new + 2 * K)
        B = len(index)
        out, accepts = [[int(t)] for t in anchor], [[] for _ in index]
        live = [o[0] != end for o in out]
        while any(live):
            block = model.block_ids(anchor[:, None])
            hidden = model.forward_blocks(block, n[:, None], cache)
            draft = model.head(hidden[:, 0, : K - 1]).argmax(-1)
            rows = torch.cat((anchor[:, None], draft), 1)
            said = model.head(model.forward_cached(rows, n, cache)).argmax(-1)
            taken = (draft == said[:, :-1]).long().cumprod(1).sum(1)
            bonus = said.gather(1, taken[:, None])[:, 0]
            for b, (t, d, x) in enumerate(zip(taken.tolist(), draft.tolist(), bonus.tolist())):
                if not live[b]:
                    continue
                accepts[b].append(t)
                new = d[:t] + [x]
                if end in d[:t]:
                    new = new[: new.index(end) + 1]
                out[b] += new
                live[b] = end not in new and len(out[b]) < max_new
            alive = torch.tensor(live, device=n.device)
            n = torch.where(alive, n + taken + 1, n)
            anchor = torch.where(alive, bonus, anchor)
        for i, b in zip(index, range(B)):
            results[i] = (out[b][:max_new], accepts[b])
    return results
