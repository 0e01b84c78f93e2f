// The page goes on by itself: the daemon sends the inside of <main> again whenever it has changed. Without scripts the page is loaded anew.
"use strict";
const page = document.getElementById("page");
const link = document.getElementById("link");
const source = new EventSource("live");

function show(markup) {
    const open = new Set([...page.querySelectorAll("details[open]")].map((details) => details.id));
    page.innerHTML = markup;
    for (const details of page.querySelectorAll("details")) {
        details.open = details.open || open.has(details.id);
    }
    document.title = page.querySelector("header").dataset.title;
}

source.addEventListener("page", (event) => show(event.data));
source.addEventListener("open", () => {
    link.textContent = "live";
    link.className = "";
});
source.addEventListener("error", () => {
    link.textContent = "✖ the daemon does not answer: this is how it was before " + new Date().toLocaleTimeString();
    link.className = "bad";
});
