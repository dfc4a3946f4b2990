// What to tell when something fails: in words, and what to do about it.

/** By kind: a title, advice, and whether the engine has come to its end. */
const NOTICES = {
  "no-webgpu": {
    title: "This browser has no WebGPU",
    advice:
      "Use a current Chrome, Edge, Firefox or Safari. The page must come from localhost or over HTTPS: WebGPU is " +
      "switched off elsewhere.",
  },
  "no-adapter": {
    title: "The browser offers no GPU that will do",
    advice:
      "Look at chrome://gpu or about:support: hardware acceleration may be switched off, or the GPU or its driver " +
      "blocked. On Linux, Chrome needs Vulkan (--enable-unsafe-webgpu --enable-features=Vulkan).",
    ended: true,
  },
  "device-lost": {
    title: "The GPU was lost",
    advice: "The driver was restarted, or took too long. Nothing but this race is gone.",
    ended: true,
  },
  "device-failed": {
    title: "The GPU refused",
    advice: "That is a mistake of ours or of its driver's: the browser's console has more. Please report it.",
    ended: true,
  },
  "out-of-memory": {
    title: "The GPU has no room for that",
    advice: "Choose the number format f16 or a smaller model, and close what else uses the GPU, other tabs included.",
  },
  "too-large": {
    title: "This GPU's limits are too small for that model",
    advice: "Nothing of its weights was read. A smaller model, or a browser on a GPU with larger limits, will do.",
  },
  checkpoint: {
    title: "That is no checkpoint that can be used",
    advice:
      "Choose the folder that holds config.json and the .safetensors files: an Orthrus or Qwen3 checkpoint in the " +
      "Hugging Face layout.",
  },
  download: {
    title: "The model could not be downloaded",
    advice: "Check the connection and the server, then start again.",
  },
  cancelled: { title: "Stopped", advice: "Nothing was changed." },
  request: { title: "That cannot be done", advice: "Change the prompt or the settings, and try again." },
  crashed: {
    title: "The engine crashed",
    advice: "That is a mistake of ours: the browser's console has more. Please report it.",
    ended: true,
  },
  unexpected: {
    title: "Something went wrong",
    advice: "That is a mistake of ours: the browser's console has more. Please report it.",
    ended: true,
  },
};

const element = (id) => document.getElementById(id);

/** Whether the engine is of no use after that, until it is started again. */
export const ended = (kind) => Boolean((NOTICES[kind] ?? NOTICES.unexpected).ended);

/** Shows what failed. `act`, if there is one, is called by a button that starts again. */
export function show({ kind, message }, act) {
  const { title, advice } = NOTICES[kind] ?? NOTICES.unexpected;
  element("notice-title").textContent = title;
  element("notice-message").textContent = message;
  element("notice-advice").textContent = advice;
  const button = element("notice-action");
  button.hidden = !act;
  button.textContent = "Start again";
  button.onclick = act;
  element("notice").hidden = false;
}

export function hide() {
  element("notice").hidden = true;
}
