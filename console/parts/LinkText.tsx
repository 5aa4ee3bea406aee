/** A link to another page of the console within a text or a table. */
import { Anchor } from "@mantine/core";
import { createLink } from "@tanstack/react-router";

export const LinkText = createLink(Anchor<"a">);
