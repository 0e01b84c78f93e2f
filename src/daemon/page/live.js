// The page goes on by itself: the daemon sends the inside of <main> again whenever it has changed. Without scripts the page is loaded anew.
"use strict";
const page = document.getElementById("page");
const link = document.getElementById("link");
let late = 0;

function show(markup) {
    // Somebody is about to copy something.
    if (!document.getSelection().isCollapsed) return;
    const open = new Set([...page.querySelectorAll("details[open]")].map((details) => details.id));
    page.innerHTML = markup;
    for (const details of page.querySelectorAll("details")) {
        details.open = details.open || open.has(details.id);
    }
    document.title = page.querySelector("header").dataset.title;
}

function connect() {
    const source = new EventSource("live");
    source.addEventListener("page", (event) => show(event.data));
    source.addEventListener("open", () => {
        clearTimeout(late);
        late = 0;
        link.textContent = "live";
        link.className = "";
    });
    source.addEventListener("error", () => {
        // A connection that has reached its time limit is followed by another one at once.
        const since = new Date().toLocaleTimeString();
        late ||= setTimeout(() => {
            link.textContent = "✖ the daemon does not answer: this is how it was at " + since;
            link.className = "bad";
        }, 6000);
        // After an answer that is no stream the browser does not try again by itself.
        if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    });
}

connect();
