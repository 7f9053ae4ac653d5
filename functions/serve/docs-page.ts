export const docsPage = (document: object): string => JSON.stringify(document);
