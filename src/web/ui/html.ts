import htm from 'htm';
import { h, type VNode } from 'preact';

/**
 * Markup as a tagged template, without a build: html`<p class="muted">${text}</p>`. What is put in becomes text or a
 * node, never HTML; no component may use dangerouslySetInnerHTML (a test looks).
 */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;
