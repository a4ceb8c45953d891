/** The owner's pages in French: the guide's own words where it has some. */

export const OWNER_FR = {
  mailboxesLead: 'Choisissez une boîte aux lettres pour voir et gérer ses délégations.',
  delegations: 'Délégations',
  delegationsOf: (mailbox: string) => `Délégations de ${mailbox}`,
  count: (n: number, most: number) => `${n} délégation${n > 1 ? 's' : ''} sur ${most} possibles`,
  lead: 'Un délégataire peut lire, classer, supprimer et envoyer des messages de votre part, dans toute la boîte aux lettres. Votre carnet d’adresses n’est pas partagé.',
  nobodyYet: 'Vous n’avez délégué cette boîte aux lettres à personne.',
  identifier: 'Identifiant RPPS',
  firstName: 'Prénom',
  lastName: 'Nom',
  profession: 'Profession',
  state: 'État',
  since: 'Depuis',
  until: 'Jusqu’au',
  noEnd: 'sans fin',
  inForceSince: 'depuis le',
  actions: 'Actions',
  add: 'Ajouter',
  remove: 'Supprimer',
  suspend: 'Suspendre',
  resume: 'Reprendre',
  of: (action: string, name: string) => `${action} : ${name}`,
  full: (most: number) =>
    `Un maximum de ${most} délégations est possible : supprimez-en une pour en ajouter une autre.`,
  closed: {
    'mailbox-kind':
      'Vous n’êtes pas autorisé à créer des accès en délégation : cette boîte aux lettres n’est pas personnelle.',
    'mailbox-not-eligible':
      'Vous n’êtes pas autorisé à créer des accès en délégation sur cette boîte aux lettres. La fonction sera progressivement possible pour toutes les boîtes aux lettres.',
    'domain-not-eligible':
      'Vous n’êtes pas autorisé à créer des accès en délégation sur cette boîte aux lettres : son domaine n’est pas encore ouvert à la délégation.',
    'owner-not-listed':
      'Vous n’êtes pas autorisé à créer des accès en délégation : votre identité RPPS n’est pas active dans l’Annuaire santé.',
    limit: 'Le nombre maximal de délégations est atteint.',
  },
  history: 'Historique',
  contact: 'Seconde adresse',
  addTitle: 'Ajouter un délégataire',
  directLead:
    'Si vous connaissez l’identifiant RPPS de votre délégataire, saisissez-le directement. Sinon, recherchez-le dans l’Annuaire santé.',
  identifierHint: '12 chiffres commençant par 8',
  go: 'Continuer',
  searchTitle: 'Rechercher dans l’Annuaire santé',
  searchLead: 'Remplissez au moins 2 champs.',
  postalCode: 'Code postal',
  city: 'Ville',
  search: 'Rechercher',
  found: (shown: number, total: number) =>
    total > shown
      ? `Les ${shown} premiers résultats sur ${total}. Précisez votre recherche pour voir les autres.`
      : `${total} résultat${total > 1 ? 's' : ''}`,
  choose: 'Choisir',
  nobodyFound: 'Personne n’a été trouvé.',
  portal:
    'Seuls les professionnels disposant d’un RPPS peuvent être recherchés. Les secrétaires et assistants médicaux l’obtiennent sur le ',
  portalName: 'portail RPPS+',
  whoTitle: 'Vérifiez la personne',
  periodTitle: 'Période',
  starts: 'Début',
  ends: 'Fin',
  periodHint: (zone: string) =>
    `Sans début, la délégation commence tout de suite. Sans fin, elle dure jusqu’à ce que vous la supprimiez. Les jours sont ceux du fuseau horaire ${zone}.`,
  responsibilityTitle: 'Votre responsabilité',
  acknowledge: 'J’ai lu ce texte et j’en prends acte',
  mustAcknowledge: 'Cochez la case : la délégation ne peut être ajoutée sans cela.',
  badDay: 'Cette date n’existe pas : écrivez-la comme 2026-12-31.',
  otherPerson: 'Choisir une autre personne',
  removeTitle: 'Supprimer la délégation',
  removeAsk: (name: string, mailbox: string) => `Voulez-vous supprimer la délégation de ${name} sur ${mailbox} ?`,
  removeEffect: 'L’accès prend fin tout de suite, sessions ouvertes comprises. Cette suppression est définitive.',
  suspendEffect: 'La délégation reste dans la liste et peut être reprise.',
  gone: 'Cette délégation n’existe plus : elle a déjà été supprimée.',
  did: {
    grant: (name: string) => `Délégation ajoutée pour ${name}.`,
    revoke: (name: string) => `Délégation supprimée pour ${name}.`,
    suspend: (name: string) => `Délégation suspendue pour ${name}.`,
    resume: (name: string) => `Délégation reprise pour ${name}.`,
  },
  given: {
    waiting: 'Enregistrée, en attente du serveur de messagerie…',
    'in force': 'En vigueur. Vérification en cours…',
    verified: 'En vigueur et vérifiée : le délégataire a bien accès.',
    withheld: (reasons: readonly string[]) => `Enregistrée, mais pas en vigueur : ${reasons.join(' ; ')}.`,
    failed:
      'Enregistrée, mais le serveur de messagerie l’a refusée. Votre administrateur en est informé par « mandat status ».',
    'put back': 'Quelqu’un d’autre a modifié cette délégation entre-temps.',
    superseded: 'Cette délégation a été retirée entre-temps.',
  },
  taken: {
    waiting: 'Enregistré. L’accès n’est pas encore retiré sur le serveur de messagerie…',
    'in force': 'Accès retiré. Vérification en cours…',
    verified: 'Accès retiré et vérifié : le délégataire ne voit plus rien.',
    withheld: () => 'Accès retiré.',
    failed:
      'Enregistré, mais le serveur de messagerie l’a refusé. Votre administrateur en est informé par « mandat status ».',
    'put back': 'Quelqu’un d’autre a rétabli cette délégation entre-temps.',
    superseded: 'Cette délégation a été retirée.',
  },
  tableAway: 'La table des délégations ne répond pas pour le moment : ce qui est enregistré reste enregistré.',
  notLive:
    'Le service ne répond pas : ce qui est affiché n’est peut-être plus à jour. Cette page se remettra à jour d’elle-même.',
  unreachable:
    'Le serveur de messagerie ne répond pas pour le moment. Rien n’est perdu : la demande est enregistrée et sera reprise d’elle-même.',
  noSidecar:
    'Le service qui applique les délégations est arrêté. La demande est enregistrée et sera appliquée à son redémarrage.',
  pausedNow: 'Les délégations sont en pause sur ce site. La demande est enregistrée et sera appliquée à la reprise.',
  historyTitle: (mailbox: string) => `Historique de ${mailbox}`,
  historyLead:
    'Qui a fait quoi, et quand ; et ce que vos délégataires ont envoyé de votre part. Le contenu des messages n’est jamais gardé.',
  when: 'Date',
  who: 'Par',
  what: 'Action',
  whom: 'Délégataire',
  details: 'Précisions',
  noHistory: 'Rien n’a encore été noté.',
  you: 'vous',
  theService: 'le service',
  administrator: 'un administrateur',
  contactTitle: 'Seconde adresse pour les confirmations',
  contactLead:
    'Les confirmations arrivent dans cette boîte aux lettres, où un délégataire peut les supprimer. Indiquez une seconde adresse pour les recevoir aussi ailleurs.',
  contactAddress: 'Adresse mail',
  contactLanguage: 'Langue des confirmations',
  siteLanguage: 'Celle du site',
  french: 'Français',
  english: 'Anglais',
  contactSaved: 'La seconde adresse est enregistrée.',
};
