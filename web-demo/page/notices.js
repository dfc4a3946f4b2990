// Notices: what the page says when something fails, and what the user can do.

/** By kind of error. `ended`: the engine cannot be used any more. */
const NOTICES = {
  "no-webgpu": {
    title: "This browser has no WebGPU",
    advice:
      "Use a current Chrome, Edge, Firefox or Safari. The page must come from localhost or over HTTPS: WebGPU is " +
      "switched off elsewhere.",
  },
  "no-adapter": {
    title: "The browser offers no suitable GPU",
    advice:
      "Look at chrome://gpu or about:support: hardware acceleration may be switched off, or the GPU or its driver " +
      "blocked. On Linux, Chrome needs Vulkan (--enable-unsafe-webgpu --enable-features=Vulkan).",
    ended: true,
  },
  "device-lost": {
    title: "The GPU was lost",
    advice: "The driver restarted, or a kernel took too long. Only this race is lost.",
    ended: true,
  },
  "device-failed": {
    title: "The GPU failed",
    advice: "This is a bug in this program or in the driver. The browser's console has details. Please report it.",
    ended: true,
  },
  "out-of-memory": {
    title: "The GPU is out of memory",
    advice: "Choose the number format f16 or a smaller model. Close other tabs and programs that use the GPU.",
  },
  "too-large": {
    title: "This GPU's limits are too small for this model",
    advice: "Choose a smaller model, or a GPU with larger limits. No weights were read.",
  },
  checkpoint: {
    title: "This is not a usable checkpoint",
    advice:
      "Choose the folder that holds config.json and the .safetensors files: an Orthrus or Qwen3 checkpoint in the " +
      "Hugging Face layout.",
  },
  download: {
    title: "The model could not be downloaded",
    advice: "Check the connection and the server, then start again.",
  },
  cancelled: { title: "Stopped", advice: "Nothing was changed." },
  request: { title: "The request is not valid", advice: "Change the prompt or the settings, and try again." },
  crashed: {
    title: "The engine crashed",
    advice: "This is a bug in this program. The browser's console has details. Please report it.",
    ended: true,
  },
  unexpected: {
    title: "Something went wrong",
    advice: "This is a bug in this program. The browser's console has details. Please report it.",
    ended: true,
  },
};

const element = (id) => document.getElementById(id);

/** Whether an error of this kind ends the engine, so that it must be started again. */
export const ended = (kind) => Boolean((NOTICES[kind] ?? NOTICES.unexpected).ended);

/** Shows the notice for an error. With `restart`, it has a button that calls `restart`. */
export function show({ kind, message }, restart) {
  const { title, advice } = NOTICES[kind] ?? NOTICES.unexpected;
  element("notice-title").textContent = title;
  element("notice-message").textContent = message;
  element("notice-advice").textContent = advice;
  const button = element("notice-action");
  button.hidden = !restart;
  button.textContent = "Start again";
  button.onclick = restart;
  element("notice").hidden = false;
}

export function hide() {
  element("notice").hidden = true;
}
