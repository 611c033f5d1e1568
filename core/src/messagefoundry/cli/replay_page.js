"use strict";
(function () {
  const messages = Array.from(document.querySelectorAll("details.message"));
  const input = document.getElementById("filter");
  if (!input) return;
  const texts = new Map(messages.map((each) => [each, each.textContent.toLowerCase()]));
  const buttons = [];
  let kind = "";

  function show() {
    const wanted = input.value.trim().toLowerCase();
    let count = 0;
    for (const each of messages) {
      const fits = (!kind || each.dataset.kinds.split(" ").includes(kind)) && texts.get(each).includes(wanted);
      each.hidden = !fits;
      count += fits ? 1 : 0;
    }
    document.getElementById("shown").textContent = count + " of " + messages.length + " listed";
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.kind === kind));
  }

  for (const span of document.querySelectorAll("span.kind")) {
    const button = document.createElement("button");
    button.className = "kind";
    button.type = "button";
    button.title = "List the messages of this kind alone";
    button.textContent = span.textContent;
    button.dataset.kind = span.dataset.kind;
    button.addEventListener("click", function () {
      kind = kind === button.dataset.kind ? "" : button.dataset.kind;
      show();
      document.getElementById("changed").scrollIntoView();
    });
    span.replaceWith(button);
    buttons.push(button);
  }
  function open() {
    const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    if (target && target.matches("details")) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  }
  input.addEventListener("input", show);
  window.addEventListener("hashchange", open);
  document.querySelector(".controls").hidden = false;
  show();
  open();
})();
