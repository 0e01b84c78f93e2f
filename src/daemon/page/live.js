// The page goes on by itself: the daemon sends the inside of <main> again whenever it has changed, and a word each second that it has not.
// Where that word is missing, the page says so: what it shows is old. Without scripts the page is loaded anew.
"use strict";
const page = document.getElementById("page");
const link = document.getElementById("link");
const silence = document.getElementById("silence");

// In milliseconds: the daemon is silent after this long, and is asked over another connection after this long.
const SILENT = 5000;
const ANEW = 10000;

let source;
let heard = Date.now();
let asked = 0;
// What came while it could not be shown.
let waiting = null;

function show() {
    // Somebody is about to copy something.
    if (waiting === null || !document.getSelection().isCollapsed) return;
    const open = new Set([...page.querySelectorAll("details[open]")].map((details) => details.id));
    page.innerHTML = waiting;
    waiting = null;
    for (const details of page.querySelectorAll("details")) {
        details.open = details.open || open.has(details.id);
    }
    // Links stay where they are; which of them lead nowhere changes.
    const unheard = new Set([...page.querySelectorAll("li.unheard b")].map((peer) => peer.textContent));
    for (const peer of document.querySelectorAll("nav a.peer")) {
        peer.classList.toggle("unheard", unheard.has(peer.textContent));
    }
}

function hear() {
    heard = Date.now();
    show();
    tell();
}

function tell() {
    const isSilent = Date.now() - heard > SILENT;
    if (isSilent === silence.hidden) {
        const since = new Date(heard).toISOString().slice(11, 19) + "Z";
        silence.querySelector("time").textContent = since;
        silence.hidden = !isSilent;
        page.classList.toggle("old", isSilent);
    }
    link.textContent = isSilent ? "✖ not live" : "live";
    link.className = isSilent ? "bad" : "";
    document.title = isSilent ? silence.dataset.title : page.querySelector("header").dataset.title;
}

function connect() {
    asked = Date.now();
    source?.close();
    source = new EventSource("live");
    source.addEventListener("page", (event) => {
        waiting = event.data;
        hear();
    });
    source.addEventListener("same", hear);
}

connect();
setInterval(() => {
    // A connection to a machine that has lost its power never ends, and after an answer that is no stream the browser does not try again.
    if (Date.now() - Math.max(heard, asked) > ANEW) connect();
    tell();
}, 1000);
