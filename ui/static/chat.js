// The conversation and the source panel. Replies arrive as finished, escaped HTML from the server; nothing is parsed here.
"use strict";
const stemqa = (() => {
  const KEY = "stemqa.transcript";
  const PATIENCE = 60_000; // milliseconds
  const UNREACHED = ["The server could not be reached", "Your question was not answered. See that the server is running, then ask again."];
  const LATE = ["The answer took longer than a minute", "The server is running, but busy. Ask again in a while."];
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const box = () => document.querySelector("#question textarea");
  let pending = null; // the turn that waits for its reply
  let opener = null; // the link that opened the source shown
  let opening = 0;

  function element(tag, attributes = {}, text = "") {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  // ---- asking

  function begin(question) {
    question = question.trim();
    if (!question || pending) {
      box()?.focus();
      return ["", ""];
    }
    const id = crypto.getRandomValues(new Uint32Array(2)).join("");
    const turn = element("section", { class: "turn", "data-turn": id, "aria-busy": "true" });
    turn.append(element("h2", { class: "question" }, question), element("p", { class: "busy" }, "Searching the library …"));
    pending = { id, question, turn, watch: watch() };
    root.classList.add("busy", "talking");
    $("transcript").append(turn);
    write("");
    show(turn);
    return [question, id];
  }

  function settle(html) {
    const made = element("template");
    made.innerHTML = html || "";
    const reply = made.content.firstElementChild;
    if (pending && reply?.dataset.turn === pending.id) finish(reply); // a late reply to a question given up is not shown
  }

  function fail(trouble = UNREACHED) {
    if (pending) finish(unanswered(pending, trouble));
  }

  function finish(reply) {
    pending.turn.replaceWith(reply);
    clearInterval(pending.watch);
    pending = null;
    root.classList.remove("busy");
    keep();
    show(reply);
    if (matchMedia("(hover: hover)").matches) box()?.focus({ preventScroll: true });
  }

  // Gradio does not say when its connection breaks: ask the server itself, and give up when it is silent twice, or too slow.
  function watch() {
    let silent = 0;
    const started = Date.now();
    return setInterval(async () => {
      const alive = await fetch("/healthz", { signal: AbortSignal.timeout(3000) }).then((r) => r.ok, () => false);
      silent = alive ? 0 : silent + 1;
      if (silent > 1) fail();
      else if (alive && Date.now() - started > PATIENCE) fail(LATE);
    }, 2000);
  }

  function unanswered({ question, id }, [title, advice]) {
    const turn = element("section", { class: "turn", "data-turn": id });
    const card = element("div", { class: "reply card trouble", role: "alert" });
    const actions = element("p", { class: "actions" });
    actions.append(element("button", { type: "button", class: "quiet", "data-do": "retry" }, "Ask again"));
    card.append(
      element("h3", {}, title),
      element("p", {}, advice),
      actions,
    );
    turn.append(element("h2", { class: "question" }, question), card);
    return turn;
  }

  function write(text) {
    const area = box();
    if (!area) return;
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function ask(text) {
    if (pending) return;
    write(text);
    setTimeout(() => $("ask").click(), 0); // after the component has taken the text over
  }

  function show(turn) {
    const frame = $("conversation");
    const top = turn.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop;
    frame.scrollTo({ top: top + 1, behavior: motion() });
  }

  const motion = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  // ---- keeping the conversation of this tab

  function keep() {
    try { sessionStorage.setItem(KEY, $("transcript").innerHTML); } catch { /* too long, or storage is off */ }
  }

  function restore() {
    let kept = null;
    try { kept = sessionStorage.getItem(KEY); } catch { /* storage is off */ }
    if (!kept) return;
    $("transcript").innerHTML = kept;
    for (const link of document.querySelectorAll(".is-open")) link.classList.remove("is-open");
    root.classList.add("talking");
    const turns = document.querySelectorAll(".turn");
    if (turns.length) show(turns[turns.length - 1]);
  }

  function renew() {
    if (pending) return;
    $("transcript").replaceChildren();
    try { sessionStorage.removeItem(KEY); } catch { /* storage is off */ }
    root.classList.remove("talking");
    close({ back: false });
    write("");
    box()?.focus();
  }

  // ---- the source panel

  async function open(link) {
    const mine = ++opening;
    const { number, title, section, source } = link.dataset;
    opener?.classList.remove("is-open");
    opener = link;
    link.classList.add("is-open");
    $("source-number").textContent = `Source ${number}`;
    $("source-title").textContent = title;
    $("source-section").textContent = section;
    $("source-full").href = link.href;
    alsoIn(link);
    root.classList.add("source-open");
    document.querySelector(".source-view").hidden = false;
    const body = $("source-body");
    body.setAttribute("aria-busy", "true");
    let html;
    try {
      const response = await fetch(source, { headers: { Accept: "text/html" } });
      html = response.ok ? await response.text() : null;
    } catch { html = null; }
    if (mine !== opening) return;
    body.removeAttribute("aria-busy");
    if (html === null) {
      body.replaceChildren(element("p", { class: "note", role: "alert" }, "This source cannot be shown now. The library may have changed since the answer was given; ask again."));
      return;
    }
    body.innerHTML = html;
    body.scrollTop = 0;
    const cited = $("cited");
    if (!cited) return;
    const place = cited.getBoundingClientRect();
    body.scrollTop = place.top - body.getBoundingClientRect().top - Math.max(24, (body.clientHeight - place.height) / 2.5);
    cited.focus({ preventScroll: true });
  }

  function alsoIn(link) {
    const line = $("source-also");
    line.replaceChildren();
    const turn = link.closest(".turn");
    const mark = link.matches(".cite") ? link : turn?.querySelector(`.cite[data-number="${link.dataset.number}"]`);
    const others = (mark?.dataset.group ?? "").split(" ").filter((number) => number && number !== link.dataset.number);
    if (!others.length) return;
    line.append(element("span", {}, "The same sentence also stands in "));
    for (const number of others) {
      const found = turn.querySelector(`.cite[data-number="${number}"]`);
      if (!found) continue;
      const copy = found.cloneNode();
      copy.className = "also-link";
      copy.removeAttribute("aria-label");
      copy.textContent = `[${number}] ${[found.dataset.title, found.dataset.section].filter(Boolean).join(", ")}`;
      line.append(copy, document.createTextNode(" "));
    }
  }

  function close({ back }) {
    opening += 1;
    root.classList.remove("source-open");
    document.querySelector(".source-view").hidden = true;
    const link = opener;
    opener?.classList.remove("is-open");
    opener = null;
    if (back && link?.isConnected) link.focus();
  }

  // ---- copying

  function asText(turn) {
    const paragraphs = [...turn.querySelectorAll(".answer-text p")].map((paragraph) =>
      [...paragraph.querySelectorAll(".sentence")]
        .map((sentence) => {
          const marks = [...(sentence.nextElementSibling ?? sentence.parentElement.querySelector(".marks")).querySelectorAll(".cite")];
          return `${sentence.textContent} ${marks.map((mark) => `[${mark.textContent}]`).join("")}`;
        })
        .join(" "),
    );
    const sources = [...turn.querySelectorAll(".source-link")].map(({ dataset, href }) =>
      `[${dataset.number}] ${[dataset.title, dataset.section].filter(Boolean).join(", ")}. ${href}`);
    const note = turn.querySelector(".note")?.textContent;
    return [turn.querySelector(".question").textContent, ...paragraphs, note, sources.join("\n")].filter(Boolean).join("\n\n");
  }

  async function copy(button) {
    const text = asText(button.closest(".turn"));
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not offered outside https and localhost
      const area = element("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy answer"; }, 1600);
  }

  // ---- one listener for everything

  const deeds = {
    new: () => renew(),
    close: () => close({ back: true }),
    copy: (button) => copy(button),
    example: (button) => ask(button.textContent),
    retry: (button) => {
      const turn = button.closest(".turn");
      turn.remove();
      ask(turn.querySelector(".question").textContent);
    },
    edit: (button) => {
      write(button.closest(".turn").querySelector(".question").textContent);
      box()?.focus();
    },
  };

  addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-source]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      // A link inside the panel stands for its mark in the answer.
      const mark = link.matches(".also-link") && opener?.closest(".turn")?.querySelector(`.cite[data-number="${link.dataset.number}"]`);
      open(mark || link);
      return;
    }
    const button = event.target.closest?.("[data-do]");
    if (button) deeds[button.dataset.do]?.(button);
  });

  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && root.classList.contains("source-open")) close({ back: true });
  });

  // Gradio draws the page some time after this script has run.
  const started = new MutationObserver(() => {
    const welcome = document.querySelector(".welcome");
    if (!$("transcript") || !box() || !welcome) return;
    started.disconnect();
    restore();
    if (welcome.dataset.state === "opening") awaitReady();
  });
  started.observe(document, { childList: true, subtree: true });

  function awaitReady() {
    const timer = setInterval(async () => {
      const response = await fetch("/readyz").catch(() => null);
      if (!response) return;
      const problem = response.ok ? null : await response.json().catch(() => null);
      if (problem?.type?.endsWith(":opening")) return;
      clearInterval(timer);
      location.reload();
    }, 1000);
  }

  return { begin, settle, fail };
})();
