/** A sign of which something is to be seen: no space, and none of those that are drawn as nothing or as a blank. */
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800]/u;

/** A name as somebody gave it to themselves; `otherwise` where nothing of it is to be seen. */
export const visibleOr = (name: string | null | undefined, otherwise: string): string =>
  name != null && VISIBLE.test(name) ? name : otherwise;

/** The first sign that is to be seen; empty: there is none. */
export const firstVisible = (text: string): string => VISIBLE.exec(text)?.[0] ?? '';
